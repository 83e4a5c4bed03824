import type { Buffer } from "node:buffer";
import { errorMessage } from "../../lib/errors.ts";
import { type RawRecord, unreadable } from "../record.ts";
import { repeatedKeys } from "./json-keys.ts";
import { endOfValue, NOT_JSON, offsetOfField, skipSpace } from "./json-scan.ts";
import { LineCursor, readWhole } from "./whole-text.ts";

/** One JSON list of objects. Its entries are parsed one by one, so that one bad entry does not hide the others. */
export async function* readJson(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly RawRecord[]> {
  const whole = await readWhole(chunks);
  if (whole.kind === "refused") yield [whole.record];
  else for (const record of entries(whole.text)) yield [record];
}

function* entries(text: string): Generator<RawRecord> {
  const cursor = new LineCursor(text);
  const problem = (offset: number, message: string) => unreadable(cursor.lineAt(offset), message);
  let at = skipSpace(text, 0);
  if (at === text.length) return;
  if (text[at] !== "[") {
    yield problem(at, "expected a list of profiles: [ … ]");
    return;
  }
  const first = skipSpace(text, at + 1);
  if (text[first] === "]") at = first;
  while (text[at] !== "]") {
    const start = skipSpace(text, at + 1);
    const end = endOfValue(text, start);
    yield parseEntry(text.slice(start, end), cursor.lineAt(start));
    at = skipSpace(text, end);
    if (text[at] !== "," && text[at] !== "]") {
      yield problem(at, `${NOT_JSON}: expected a comma or the end of the list`);
      return;
    }
  }
  const rest = skipSpace(text, at + 1);
  if (rest < text.length) yield problem(rest, `${NOT_JSON}: expected nothing after the list`);
}

function parseEntry(text: string, line: number): RawRecord {
  const lineOf = (offset: number) => new LineCursor(text, line).lineAt(offset);
  if (text === "") return unreadable(line, `${NOT_JSON}: expected a profile`);
  try {
    const value: unknown = JSON.parse(text);
    return {
      kind: "value",
      line,
      value,
      findings: repeatedKeys(text),
      lineOf: (path) => lineOf(offsetOfField(text, path)),
    };
  } catch (error) {
    return unreadable(lineOf(errorOffset(error)), NOT_JSON);
  }
}

/** Only the number at the message's very end is the parser's; what is before may quote the text. */
function errorOffset(error: unknown): number {
  const match = / in JSON at position (\d+) \(line \d+ column \d+\)$/.exec(errorMessage(error));
  return Number(match?.[1] ?? 0);
}
