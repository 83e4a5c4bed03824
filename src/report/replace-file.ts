import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { errorCode } from "../lib/errors.ts";

/**
 * Has `write` write a file, end it included, that replaces the one at `path` only when it is complete: whoever reads
 * it never sees a part. Folders that are missing are made. A pipe or device at `path` is written to as it is.
 */
export async function replaceFile(path: string, write: (out: Writable) => Promise<void>): Promise<void> {
  const existing = await kindOf(path);
  if (existing === "special") {
    await write(createWriteStream(path));
    return;
  }
  // Through a link, so that what the link points at is replaced and not the link.
  const place = existing === "file" ? await realpath(path) : path;
  await ensureFolder(dirname(place));
  const temporary = join(dirname(place), `.${basename(place)}.${randomUUID()}.tmp`);
  try {
    await write(createWriteStream(temporary, { flags: "wx", flush: true }));
    await rename(temporary, place);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/** Not Node's own `recursive`: where a folder can never be made (`/proc/x`), that tries without end. */
async function ensureFolder(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === "EEXIST") return;
    const parent = dirname(path);
    if (code !== "ENOENT" || parent === path) throw error;
    await ensureFolder(parent);
    // Another report may have made it meanwhile.
    await mkdir(path).catch((second) => {
      if (errorCode(second) !== "EEXIST") throw second;
    });
  }
}

async function kindOf(path: string): Promise<"missing" | "file" | "special"> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return null;
    throw error;
  });
  if (found === null) return "missing";
  // A folder counts as a file: the rename then fails and says so.
  return found.isFile() || found.isDirectory() ? "file" : "special";
}
