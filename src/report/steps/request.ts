import { scrub } from "../../lib/scrub.ts";
import type { InvokeRequest } from "../../model/context.ts";
import type { DefaultAuthorizer } from "../../model/invocation.ts";
import { Secret } from "../../model/secret.ts";
import type { Style } from "../style.ts";
import { type Hidden, hiddenText, hideField, type Known } from "./hidden.ts";
import { field, marked, sentence } from "./layout.ts";

/** Which authorizer is asked, and who says so. */
export type ChosenStep =
  | { readonly kind: "known"; readonly name: string; readonly from: "device" | "domain" | "account" }
  | { readonly kind: "none" | "unknown"; readonly reason: string };

/** What TestInvokeAuthorizer is asked: the fields that are filled, by their names in the API. */
export interface RequestStep {
  readonly authorizer: ChosenStep | null;
  readonly fields: readonly RequestField[];
}

/** One of the two is null. */
export interface RequestField {
  /** For example `mqttContext.clientId`, `httpContext.headers.x-token`. */
  readonly name: string;
  readonly value: string | null;
  readonly hidden: Hidden | null;
}

export function requestStep(
  request: InvokeRequest,
  authorizer: DefaultAuthorizer | null,
  known: Known,
): RequestStep {
  return {
    authorizer: authorizer && chosenStep(authorizer, known),
    fields: fieldsOf(request, "", known),
  };
}

function chosenStep(authorizer: DefaultAuthorizer, { secrets }: Known): ChosenStep {
  switch (authorizer.kind) {
    case "known":
      return { kind: "known", name: authorizer.name, from: authorizer.from };
    case "none":
      return { kind: "none", reason: scrub(authorizer.evidence, secrets) };
    case "unknown":
      return { kind: "unknown", reason: scrub(`${authorizer.code}: ${authorizer.message}`, secrets) };
  }
}

function fieldsOf(value: object, path: string, known: Known): RequestField[] {
  return Object.entries(value).flatMap(([key, each]): RequestField[] => {
    const name = path === "" ? key : `${path}.${key}`;
    if (each instanceof Secret) {
      const { shown, value: hidden } = hideField(name, each, known);
      return [{ name, value: shown, hidden }];
    }
    if (typeof each === "string") return [{ name, value: each, hidden: null }];
    return each === null ? [] : fieldsOf(each as object, name, known);
  });
}

const FROM: Readonly<Record<"device" | "domain" | "account", string>> = {
  device: "named by the device",
  domain: "the default of the domain: the device names none",
  account: "the default of the account: neither device nor domain names one",
};

export function requestLines({ authorizer, fields }: RequestStep, style: Style): string[] {
  return [
    ...chosenLines(authorizer, style),
    ...(fields.length === 0 ? field("fields", "none is filled", style) : []),
    ...fields.flatMap(({ name, value, hidden }) => {
      const shown = hidden === null ? (value ?? "") : hiddenText(hidden);
      return sentence(`${name} = ${shown}`, style);
    }),
  ];
}

function chosenLines(authorizer: ChosenStep | null, style: Style): string[] {
  if (authorizer === null) return field("authorizer", "not looked for", style);
  switch (authorizer.kind) {
    case "known":
      return field("authorizer", `${authorizer.name}, ${FROM[authorizer.from]}`, style);
    case "none":
      return marked("authorizer", "bad", `none: ${authorizer.reason}`, style);
    case "unknown":
      return marked("authorizer", "unsure", `not known: ${authorizer.reason}`, style);
  }
}
