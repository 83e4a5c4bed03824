import { createHash } from "node:crypto";
import { errorCode } from "../lib/errors.ts";
import type { ByteSource, Fingerprint, OpenBytes } from "./source-bytes.ts";

/** Of all bytes of all files in their order; an unreadable one (null) counts as that. */
export function checksumOf(files: readonly (Fingerprint | null)[]): string {
  const hash = createHash("sha256");
  for (const fingerprint of files) hash.update(`${fingerprint?.sha256 ?? "unreadable"}\n`);
  return hash.digest("hex");
}

/** What was read of files before. Whoever polls a decision has its profiles looked at each time, however many. */
export class KnownFiles {
  readonly #files = new Map<string, { readonly version: string; readonly fingerprint: Fingerprint }>();

  /** null: it was not read as it is now. */
  get(name: string, { version }: OpenBytes): Fingerprint | null {
    const known = this.#files.get(name);
    return known !== undefined && known.version === version ? known.fingerprint : null;
  }

  /** It was read to its end. */
  note(name: string, opened: OpenBytes): Fingerprint {
    const { stamp, version } = opened;
    const fingerprint = { stamp, sha256: opened.sha256() };
    if (version === null) this.#files.delete(name);
    else this.#files.set(name, { version, fingerprint });
    return fingerprint;
  }

  /** Forgets all others. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const name of this.#files.keys()) if (!names.has(name)) this.#files.delete(name);
  }
}

/** Reads a file's bytes only where they may differ from what is known; null: it cannot be read. */
export async function fingerprintOf(
  { name, bytes }: { readonly name: string; readonly bytes: ByteSource },
  known: KnownFiles,
  signal: AbortSignal,
): Promise<Fingerprint | null> {
  try {
    await using opened = await bytes.open();
    const before = known.get(name, opened);
    if (before !== null) return before;
    for await (const _chunk of opened.chunks()) signal.throwIfAborted();
    return known.note(name, opened);
  } catch (error) {
    if (signal.aborted || errorCode(error) === null) throw error;
    return null;
  }
}
