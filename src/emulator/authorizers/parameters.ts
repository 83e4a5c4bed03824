import type { Behaviours } from "../behaviours.ts";
import type { Presented } from "./event.ts";

const NAME_KEY = "x-amz-customauthorizer-name";
const SIGNATURE_KEY = "x-amz-customauthorizer-signature";

/** What a device said to its authorizer, wherever it said it. */
export interface Parameters {
  /**
   * The values of a key in the order header, query string, user name; each different one once. URL-decoded, or raw
   * as sent.
   */
  readonly values: (key: string, form?: "decoded" | "raw") => readonly string[];
  /** The user name cannot be taken apart. */
  readonly isMalformed: boolean;
}

/** Collects the authorizer's parameters from headers, query string and the user name's suffix (DG custom-auth). */
export function readParameters(presented: Presented, behaviours: Behaviours): Parameters {
  const { http, mqtt } = presented;
  const username = mqtt?.username ?? "";
  const marks = username.split("?").length - 1;
  const suffix = username.includes("?") ? username.slice(username.indexOf("?") + 1) : "";
  const plus = usernamePlus(behaviours, http !== null);
  const sources: readonly (readonly Pair[])[] = [
    Object.entries(http?.headers ?? {}).map(([key, value]) => ({
      key: key.toLowerCase(),
      decoded: value,
      raw: value,
    })),
    pairs(http?.queryString?.replace(/^\?/, "") ?? "", " "),
    pairs(suffix, plus),
  ];
  return {
    isMalformed: marks > 1 && behaviours.secondQuestionMark === "refuse",
    values: (key, form = "decoded") => {
      const wanted = key.toLowerCase();
      const found = sources.flatMap((source, index) => {
        // Header names come in any case; a token key in a user name or query string is taken literally.
        const anyCase = index === 0 || wanted.startsWith("x-amz-");
        return source.filter((pair) => (anyCase ? pair.key.toLowerCase() === wanted : pair.key === key));
      });
      return [...new Set(found.map((pair) => pair[form]))];
    },
  };
}

export function authorizerNames(parameters: Parameters): readonly string[] {
  return parameters.values(NAME_KEY);
}

export function signatures(parameters: Parameters): readonly string[] {
  return parameters.values(SIGNATURE_KEY);
}

function usernamePlus({ plusInUsername }: Behaviours, isWebSocket: boolean): " " | "+" {
  if (plusInUsername === "space-on-mqtt") return isWebSocket ? "+" : " ";
  return plusInUsername === "space" ? " " : "+";
}

interface Pair {
  readonly key: string;
  readonly decoded: string;
  readonly raw: string;
}

function pairs(query: string, plus: " " | "+"): Pair[] {
  return query
    .split("&")
    .filter((pair) => pair !== "")
    .map((pair) => {
      const at = pair.indexOf("=");
      const raw = at === -1 ? "" : pair.slice(at + 1);
      return { key: decode(at === -1 ? pair : pair.slice(0, at), plus), decoded: decode(raw, plus), raw };
    });
}

/** URL-decodes; text that is not URL-encoded is left as it is. */
function decode(text: string, plus: " " | "+"): string {
  const spaced = text.replaceAll("+", plus);
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
