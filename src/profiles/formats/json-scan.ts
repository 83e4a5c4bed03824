import type { FieldPath } from "../finding.ts";

/** The parser's own messages quote the text, which may be a secret. */
export const NOT_JSON = "not valid JSON";

const SPACE = /[ \t\r\n]*/y;
const SCALAR = /[^\s,\][{}:"]+/y;
const BRACKET_OR_QUOTE = /["[\]{}]/g;

/** Index of the first character from `from` on that is not white space. */
export function skipSpace(text: string, from: number): number {
  return endOfMatch(SPACE, text, from);
}

/**
 * Index after the value that begins at `from`; `from` itself where none begins. Looks only at brackets and strings:
 * whether it is valid is for JSON.parse to say. Never beyond the text's end.
 */
export function endOfValue(text: string, from: number): number {
  if (text[from] === '"') return endOfString(text, from);
  if (text[from] !== "[" && text[from] !== "{") return endOfMatch(SCALAR, text, from);
  let depth = 0;
  let at = from;
  do {
    BRACKET_OR_QUOTE.lastIndex = at;
    const found = BRACKET_OR_QUOTE.exec(text);
    if (found === null) return text.length;
    const [char] = found;
    if (char === "[" || char === "{") depth += 1;
    if (char === "]" || char === "}") depth -= 1;
    at = char === '"' ? endOfString(text, found.index) : found.index + 1;
  } while (depth > 0);
  return at;
}

/** Index after the string that begins at `from`. */
export function endOfString(text: string, from: number): number {
  let quote = from;
  do {
    quote = text.indexOf('"', quote + 1);
  } while (quote >= 0 && isEscaped(text, quote));
  return quote < 0 ? text.length : quote + 1;
}

function isEscaped(text: string, at: number): boolean {
  let backslash = at;
  while (text[backslash - 1] === "\\") backslash -= 1;
  return (at - backslash) % 2 === 1;
}

/** Where the field stands in the text of a value; for one that is not there, the nearest thing around it. */
export function offsetOfField(text: string, path: FieldPath): number {
  let at = skipSpace(text, 0);
  for (const [depth, part] of path.entries()) {
    const entry = findEntry(text, at, part);
    if (entry === null) return at;
    if (depth === path.length - 1) return entry.start;
    at = entry.value;
  }
  return at;
}

interface Entry {
  /** The key, or the list's entry itself. */
  readonly start: number;
  readonly value: number;
}

function findEntry(text: string, container: number, part: string | number): Entry | null {
  const isList = text[container] === "[";
  if (!isList && text[container] !== "{") return null;
  let at = skipSpace(text, container + 1);
  let found: Entry | null = null;
  for (let index = 0; at < text.length && text[at] !== "]" && text[at] !== "}"; index += 1) {
    const start = at;
    const keyEnd = isList ? at : endOfValue(text, at);
    const value = isList ? at : skipSpace(text, skipSpace(text, keyEnd) + 1);
    // Of a key that stands twice the last one counts, as for JSON.parse.
    if (isList ? index === part : JSON.parse(text.slice(start, keyEnd)) === part) found = { start, value };
    at = skipSpace(text, endOfValue(text, value));
    if (text[at] === ",") at = skipSpace(text, at + 1);
  }
  return found;
}

function endOfMatch(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.test(text) ? pattern.lastIndex : from;
}
