import { Buffer, isUtf8 } from "node:buffer";
import { type RawRecord, unreadable } from "../record.ts";

/** JSON and YAML are read whole; larger fleets belong into a format that streams. */
const MAX_BYTES = 16 * 1024 * 1024;

export type WholeText =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "refused"; readonly record: RawRecord };

/** A file's text, strictly UTF-8, without a byte order mark. */
export async function readWhole(chunks: AsyncIterable<Buffer>): Promise<WholeText> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    // Read to the end all the same: the checksum is of all bytes.
    if (length > MAX_BYTES) parts.length = 0;
    else parts.push(chunk);
  }
  if (length > MAX_BYTES) {
    return refused(1, "expected a file of at most 16 MB; larger fleets go into .ndjson or .csv");
  }
  const bytes = Buffer.concat(parts);
  if (!isUtf8(bytes)) return refused(firstBadLine(bytes), "expected UTF-8 text");
  return { kind: "text", text: new TextDecoder().decode(bytes) };
}

function refused(line: number, message: string): WholeText {
  return { kind: "refused", record: unreadable(line, message) };
}

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  for (let from = 0; from < bytes.length; line += 1) {
    const newline = bytes.indexOf(0x0a, from);
    const end = newline < 0 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(from, end))) break;
    from = end + 1;
  }
  return line;
}

/** Counts lines while going forward through a text. */
export class LineCursor {
  readonly #text: string;
  #line: number;
  /** Kept, so that a text without line breaks is searched once. */
  #newline: number;

  constructor(text: string, firstLine = 1) {
    this.#text = text;
    this.#line = firstLine;
    this.#newline = text.indexOf("\n");
  }

  /** The 1-based line of an offset, which must not be before the last one asked for. */
  lineAt(offset: number): number {
    while (this.#newline >= 0 && this.#newline < offset) {
      this.#line += 1;
      this.#newline = this.#text.indexOf("\n", this.#newline + 1);
    }
    return this.#line;
  }
}
