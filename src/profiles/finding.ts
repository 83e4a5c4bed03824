import { cut, neutralize } from "../lib/scrub.ts";

/** Keys and zero-based list positions from the root of a profile. */
export type FieldPath = readonly (string | number)[];

/** Something wrong with one field of one profile. Never quotes the value: it may be a secret. */
export interface Finding {
  readonly path: FieldPath;
  readonly message: string;
}

const PLAIN_KEY = /^[A-Za-z_][\w-]*$/;
/** A slip can make a key of a secret (`{"hunter2":…}` for a value): only what looks like a name is repeated. */
const PRESENTABLE_KEY = /^[A-Za-z_][\w.-]{0,39}$/;

/** `tls.alpn[0]`, `headers["x.y"]`; null for the root. A key that does not look like a name ends the path early. */
export function formatFieldPath(path: FieldPath): string | null {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else if (!PRESENTABLE_KEY.test(part)) break;
    else if (!PLAIN_KEY.test(part)) text += `[${JSON.stringify(part)}]`;
    else text += text === "" ? part : `.${part}`;
  }
  return text === "" ? null : cut(neutralize(text));
}
