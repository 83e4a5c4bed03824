import type { Buffer } from "node:buffer";
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { errorCode } from "./errors.ts";

export type BoundedFile =
  | { readonly kind: "read"; readonly bytes: Buffer }
  /** `reason` continues a sentence that begins with the file's name: "does not exist". */
  | { readonly kind: "unreadable"; readonly reason: string };

/** Reads a regular file of at most `maxBytes`; pipes and devices are refused, because they may never end. */
export async function readBoundedFile(path: string, maxBytes: number): Promise<BoundedFile> {
  try {
    // Without O_NONBLOCK opening a pipe would wait for somebody to write to it.
    await using handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await handle.stat();
    if (stat.isDirectory()) return unreadable("is a folder");
    if (!stat.isFile()) return unreadable("is not a regular file");
    if (stat.size > maxBytes) return unreadable(tooLarge(maxBytes));
    const bytes = await handle.readFile();
    return bytes.length > maxBytes ? unreadable(tooLarge(maxBytes)) : { kind: "read", bytes };
  } catch (error) {
    return unreadable(unreadableReason(error));
  }
}

/** Why a file cannot be read, continuing a sentence that begins with the file's name. */
export function unreadableReason(error: unknown): string {
  const code = errorCode(error);
  if (code === "ENOENT" || code === "ENOTDIR") return "does not exist";
  if (code === "EACCES" || code === "EPERM") return "may not be read by this user";
  if (code === "EISDIR") return "is a folder";
  return `cannot be read (${code ?? "unknown error"})`;
}

function unreadable(reason: string): BoundedFile {
  return { kind: "unreadable", reason };
}

function tooLarge(maxBytes: number): string {
  return `is larger than ${maxBytes / 1024 / 1024} MiB`;
}
