import { createHash } from "node:crypto";
import { errorCode } from "../lib/errors.ts";
import type { ByteSource, Fingerprint } from "./source-bytes.ts";

/** Of all bytes of all files in their order; an unreadable one (null) counts as that. */
export function checksumOf(files: readonly (Fingerprint | null)[]): string {
  const hash = createHash("sha256");
  for (const fingerprint of files) hash.update(`${fingerprint?.sha256 ?? "unreadable"}\n`);
  return hash.digest("hex");
}

/** What was read of each file before, by its name. */
export type KnownFiles = Map<string, Fingerprint>;

/** Reads a file's bytes again only where its size or time differ from what is known; null: it cannot be read. */
export async function fingerprintOf(
  { name, bytes }: { readonly name: string; readonly bytes: ByteSource },
  known: KnownFiles,
  signal: AbortSignal,
): Promise<Fingerprint | null> {
  try {
    await using opened = await bytes.open();
    const before = known.get(name);
    if (before?.stamp === opened.stamp) return before;
    for await (const _chunk of opened.chunks()) signal.throwIfAborted();
    const read = { stamp: opened.stamp, sha256: opened.sha256() };
    known.set(name, read);
    return read;
  } catch (error) {
    if (signal.aborted || errorCode(error) === null) throw error;
    return null;
  }
}
