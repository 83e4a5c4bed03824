import type { Buffer } from "node:buffer";
import { type Line, readLines } from "../lines.ts";
import { type RawRecord, unreadable } from "../record.ts";
import { repeatedKeys } from "./json-keys.ts";
import { NOT_JSON } from "./json-scan.ts";

const BLANK = /^[ \t]*$/;

/** A JSON object a line; blank lines are skipped. */
export async function* readNdjson(chunks: AsyncIterable<Buffer>): AsyncGenerator<readonly RawRecord[]> {
  for await (const lines of readLines(chunks)) {
    yield lines.filter((line) => line.kind === "bad" || !BLANK.test(line.text)).map(parseLine);
  }
}

function parseLine(line: Line): RawRecord {
  if (line.kind === "bad") return unreadable(line.line, line.message);
  try {
    const value: unknown = JSON.parse(line.text);
    return { kind: "value", line: line.line, value, findings: repeatedKeys(line.text), lineOf: null };
  } catch {
    return unreadable(line.line, `${NOT_JSON}; expected one object on the line`);
  }
}
