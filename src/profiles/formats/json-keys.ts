import type { Finding } from "../finding.ts";
import { endOfString, skipSpace } from "./json-scan.ts";

/** A list or object that is being read. */
interface Container {
  /** null: a list. */
  readonly keys: Set<string> | null;
  /** Where reading stands in it: the key, or the position in the list. */
  at: string | number;
}

/**
 * A finding for each key that stands twice in one object. JSON.parse takes the last one without a word, and what the
 * first one said is lost: a device would be tested that nobody described. `text` is valid JSON.
 */
export function repeatedKeys(text: string): readonly Finding[] {
  const findings: Finding[] = [];
  const open: Container[] = [];
  for (let at = 0; at < text.length; at += 1) {
    const inner = open.at(-1);
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        open.push({ keys: new Set(), at: "" });
        break;
      case 0x5b: // [
        open.push({ keys: null, at: 0 });
        break;
      case 0x7d: // }
      case 0x5d: // ]
        open.pop();
        break;
      case 0x2c: // ,
        if (typeof inner?.at === "number") inner.at += 1;
        break;
      case 0x22: {
        // "
        const end = endOfString(text, at);
        if (inner?.keys && text[skipSpace(text, end)] === ":") {
          inner.at = keyOf(text.slice(at, end));
          if (inner.keys.has(inner.at)) findings.push(repeated(open));
          inner.keys.add(inner.at);
        }
        at = end - 1;
      }
    }
  }
  return findings;
}

function repeated(open: readonly Container[]): Finding {
  return { path: open.map(({ at }) => at), message: "the key stands here twice" };
}

function keyOf(quoted: string): string {
  return quoted.includes("\\") ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
}
