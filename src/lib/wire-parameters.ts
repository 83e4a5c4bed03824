import type { Wire } from "../model/context.ts";
import { assertNever } from "./errors.ts";

/* What an authorizer's name and the token's signature travel under (DG/custom-auth.html). */
export const NAME_KEY = "x-amz-customauthorizer-name";
export const SIGNATURE_KEY = "x-amz-customauthorizer-signature";

/** Something a device says to its authorizer: a header, or a pair of the query string or of the user name's suffix. */
export interface WireParameter {
  readonly name: string;
  /** Header names come in any case, others are taken literally. */
  readonly anyCase: boolean;
  /** The readings of it: as sent and, where that differs, URL-decoded. A credential, maybe. */
  readonly readings: readonly string[];
}

/** Everything a device says to its authorizer by name, wherever it travels (DG/custom-auth.html). */
export function wireParameters(wire: Wire): readonly WireParameter[] {
  switch (wire.kind) {
    case "mqtt":
      return suffixPairs(wire.connect.username?.exposeText());
    case "wss":
      return [...httpParameters(wire), ...suffixPairs(wire.connect.username?.exposeText())];
    case "https":
      return httpParameters(wire);
    default:
      return assertNever(wire, "wire");
  }
}

/** Those of one name. */
export function parametersNamed(
  parameters: readonly WireParameter[],
  name: string,
): readonly WireParameter[] {
  const folded = name.toLowerCase();
  return parameters.filter((each) =>
    each.anyCase ? each.name.toLowerCase() === folded : each.name === name,
  );
}

function httpParameters({ headers, path }: Extract<Wire, { kind: "wss" | "https" }>): WireParameter[] {
  const ofHeaders = Object.entries(headers).map(([name, value]) => ({
    name,
    anyCase: true,
    readings: [value.exposeText()],
  }));
  return [...ofHeaders, ...suffixPairs(path.exposeText())];
}

/** The pairs behind the first question mark. */
function suffixPairs(text = ""): WireParameter[] {
  const mark = text.indexOf("?");
  if (mark < 0) return [];
  return text
    .slice(mark + 1)
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      const raw = at < 0 ? "" : pair.slice(at + 1);
      const name = decoded(at < 0 ? pair : pair.slice(0, at));
      // AWS's own names are matched in any case in practice, a token's key is not.
      return { name, anyCase: /^x-amz-/i.test(name), readings: [...new Set([raw, decoded(raw)])] };
    });
}

/** Text that is not URL-encoded is left as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
