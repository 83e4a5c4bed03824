import { Buffer, isUtf8 } from "node:buffer";
import { open } from "node:fs/promises";
import { errorCode } from "../lib/errors.ts";

/** Far above any real configuration, and low enough that a mistaken path to a fleet of profiles is cheap. */
const MAX_BYTES = 1024 * 1024;

export type TextFile =
  | { readonly kind: "read"; readonly text: string }
  | { readonly kind: "not-text"; readonly line: number; readonly message: string }
  | { readonly kind: "unreadable"; readonly message: string };

/** Reads a UTF-8 file of at most 1 MiB; a byte order mark is dropped. */
export async function readTextFile(file: string): Promise<TextFile> {
  let bytes: Buffer;
  try {
    bytes = await readBounded(file);
  } catch (error) {
    return { kind: "unreadable", message: describeReadError(error) };
  }
  if (bytes.length > MAX_BYTES) {
    return { kind: "unreadable", message: "the file is larger than 1 MiB" };
  }
  if (!isUtf8(bytes)) {
    return { kind: "not-text", line: firstBadLine(bytes), message: "expected UTF-8 text" };
  }
  return { kind: "read", text: new TextDecoder().decode(bytes) };
}

/** Why a file cannot be read, in words that hold no path of their own. */
function describeReadError(error: unknown): string {
  const code = errorCode(error);
  if (code === "ENOENT" || code === "ENOTDIR") return "the file does not exist";
  if (code === "EISDIR") return "expected a file, found a folder";
  if (code === "EACCES" || code === "EPERM") return "the file must not be read by this user";
  return `the file cannot be read (${code ?? "unknown error"})`;
}

/** Reads by handle, not by size, so that a pipe works and an endless device does not fill the memory. */
async function readBounded(file: string): Promise<Buffer> {
  await using handle = await open(file, "r");
  const buffer = Buffer.alloc(MAX_BYTES + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
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
