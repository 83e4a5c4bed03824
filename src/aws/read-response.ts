import { hash } from "node:crypto";
import { cut, mask, neutralize } from "../lib/scrub.ts";
import type { AuthorizerAnswer, Json } from "../model/invocation.ts";
import type { Secret } from "../model/secret.ts";

export type ReadResponse =
  | { readonly kind: "answer"; readonly answer: AuthorizerAnswer }
  /** `reason` names fields and types, never a value. */
  | { readonly kind: "invalid"; readonly reason: string };

/**
 * Reads the five fields of TestInvokeAuthorizer's response (API_TestInvokeAuthorizer). The SDK hands over whatever
 * JSON types came, so each is checked. `isAuthenticated` must be there; the others may be left out, as an authorizer
 * that says no does. A principalId that repeats a credential is masked.
 */
export function readResponse(output: object, secrets: readonly Secret[]): ReadResponse {
  const fields = output as Readonly<Record<string, unknown>>;
  const problems: string[] = [];
  const { isAuthenticated } = fields;
  if (typeof isAuthenticated !== "boolean") {
    problems.push(`isAuthenticated is ${typeName(isAuthenticated)}, not a boolean`);
  }
  const policyDocuments = documents(fields.policyDocuments, problems);
  const answer: AuthorizerAnswer = {
    isAuthenticated: isAuthenticated === true,
    principalId: principalId(fields.principalId, secrets, problems),
    policyDocuments,
    policyHash: policyDocuments.length === 0 ? null : hashOf(policyDocuments, secrets),
    refreshAfterSeconds: seconds("refreshAfterInSeconds", fields.refreshAfterInSeconds, problems),
    disconnectAfterSeconds: seconds("disconnectAfterInSeconds", fields.disconnectAfterInSeconds, problems),
  };
  return problems.length === 0
    ? { kind: "answer", answer }
    : { kind: "invalid", reason: cut(problems.join("; ")) };
}

function principalId(value: unknown, secrets: readonly Secret[], problems: string[]): string | null {
  if (isAbsent(value)) return null;
  if (typeof value === "string") return cut(neutralize(mask(value, secrets)));
  problems.push(`principalId is ${typeName(value)}, not a string`);
  return null;
}

function seconds(field: string, value: unknown, problems: string[]): number | null {
  if (isAbsent(value)) return null;
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  problems.push(`${field} is ${typeName(value)}, not a whole number of seconds`);
  return null;
}

function documents(value: unknown, problems: string[]): readonly Json[] {
  if (isAbsent(value)) return [];
  if (Array.isArray(value)) return value.map((each, index) => document(each, index, problems));
  problems.push(`policyDocuments is ${typeName(value)}, not a list`);
  return [];
}

/** What a device may do, to be compared with another day; a credential that is repeated in it may change. */
function hashOf(documents: readonly Json[], secrets: readonly Secret[]): string {
  return hash("sha256", mask(canonical(documents), secrets));
}

/** JSON with the keys of each object in one order. */
function canonical(value: Json): string {
  return JSON.stringify(value, (_key, each: unknown) =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}

function document(value: unknown, index: number, problems: string[]): Json {
  if (typeof value !== "string") {
    problems.push(`policyDocuments[${index}] is ${typeName(value)}, not a string of JSON`);
    return null;
  }
  try {
    return JSON.parse(value);
  } catch {
    // The parser's own message quotes a piece of the text: half a credential is not recognized as one.
    problems.push(`policyDocuments[${index}] is not JSON`);
    return null;
  }
}

export function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}

export function typeName(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
