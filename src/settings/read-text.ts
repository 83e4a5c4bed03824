import { type Buffer, isUtf8 } from "node:buffer";
import { readBoundedFile } from "../lib/bounded-file.ts";

/** Far above any real configuration, and low enough that a mistaken path to a fleet of profiles is cheap. */
const MAX_BYTES = 1024 * 1024;

export type TextFile =
  | { readonly kind: "read"; readonly text: string }
  | { readonly kind: "not-text"; readonly line: number; readonly message: string }
  | { readonly kind: "unreadable"; readonly message: string };

/** Reads a UTF-8 file of at most 1 MiB; a byte order mark is dropped. */
export async function readTextFile(path: string): Promise<TextFile> {
  const file = await readBoundedFile(path, MAX_BYTES);
  if (file.kind === "unreadable") return { kind: "unreadable", message: `the file ${file.reason}` };
  if (!isUtf8(file.bytes)) {
    return { kind: "not-text", line: firstBadLine(file.bytes), message: "expected UTF-8 text" };
  }
  return { kind: "read", text: new TextDecoder().decode(file.bytes) };
}

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start);
    const end = newline === -1 ? bytes.length : newline;
    if (!isUtf8(bytes.subarray(start, end))) break;
    start = end + 1;
    line += 1;
  }
  return line;
}
