import { type BoundedFile, readBoundedFile } from "../lib/bounded-file.ts";
import { MAX_REFERENCED_BYTES } from "../lib/references.ts";
import { Recent } from "./recent.ts";

const MAX_FILES = 1000;
/** Larger ones are read each time, so that the cache stays within 64 MiB. */
const MAX_KEPT_BYTES = 64 * 1024;

interface Kept {
  readonly file: Promise<BoundedFile>;
  readonly untilMs: number;
}

/** Keeps what files hold for a short while; those who ask at the same time share one reading. */
export class FileCache {
  readonly #files = new Recent<Kept>(MAX_FILES);
  readonly #keepMs: number;
  readonly #now: () => number;
  #sweepAtMs = 0;

  constructor(keepMs: number, now: () => number) {
    this.#keepMs = keepMs;
    this.#now = now;
  }

  /** Reads a file of at most 1 MiB by its absolute path. */
  async read(path: string): Promise<BoundedFile> {
    this.#sweep();
    const kept = this.#files.get(path);
    if (kept && kept.untilMs > this.#now()) return kept.file;
    const fresh = {
      file: readBoundedFile(path, MAX_REFERENCED_BYTES),
      untilMs: this.#now() + this.#keepMs,
    };
    this.#files.set(path, fresh);
    const file = await fresh.file;
    // A file that is not there is asked for again: it may be about to come.
    if (file.kind === "unreadable" || file.bytes.length > MAX_KEPT_BYTES) this.#files.delete(path, fresh);
    return file;
  }

  /** Forgets what nobody may use any more: a secret should not outlive its use. */
  #sweep(): void {
    const now = this.#now();
    if (now < this.#sweepAtMs) return;
    this.#sweepAtMs = now + this.#keepMs;
    this.#files.deleteWhere(({ untilMs }) => untilMs <= now);
  }

  clear(): void {
    this.#files.clear();
  }
}
