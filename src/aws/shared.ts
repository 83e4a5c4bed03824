import { monotonicMs } from "../lib/clock.ts";

interface Entry<V> {
  readonly answer: Promise<V>;
  readonly abort: AbortController;
  waiting: number;
  /** null: the work still goes on. */
  expiresAtMs: number | null;
}

export interface SharedOptions<V> {
  /** How long an answer is kept, by what it is; 0: it serves only those who waited for it. */
  readonly keepMs: (value: V) => number;
  readonly now?: () => number;
}

/**
 * Does the same work once for everybody who asks for it meanwhile, and keeps the answer a while. One who is aborted
 * leaves the others their answer; when the last one leaves, the work is aborted. Work that throws is not kept.
 */
export class Shared<V> {
  readonly #entries = new Map<string, Entry<V>>();
  readonly #keepMs: (value: V) => number;
  readonly #now: () => number;

  constructor({ keepMs, now = monotonicMs }: SharedOptions<V>) {
    this.#keepMs = keepMs;
    this.#now = now;
  }

  /** The kept answer, the one being worked out, or a new one. Throws the signal's reason when aborted. */
  async get(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<V>): Promise<V> {
    signal.throwIfAborted();
    const entry = this.#current(key) ?? this.#begin(key, work);
    if (entry.expiresAtMs !== null) return entry.answer;
    return this.#wait(key, entry, signal);
  }

  #current(key: string): Entry<V> | null {
    const entry = this.#entries.get(key);
    if (entry === undefined) return null;
    return entry.expiresAtMs === null || entry.expiresAtMs > this.#now() ? entry : null;
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<V>): Entry<V> {
    const abort = new AbortController();
    const answer = work(abort.signal);
    const entry: Entry<V> = { answer, abort, waiting: 0, expiresAtMs: null };
    this.#entries.set(key, entry);
    answer.then(
      (value) => {
        entry.expiresAtMs = this.#now() + this.#keepMs(value);
      },
      () => this.#forget(key, entry),
    );
    return entry;
  }

  async #wait(key: string, entry: Entry<V>, signal: AbortSignal): Promise<V> {
    const left = Promise.withResolvers<never>();
    const onAbort = () => left.reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    entry.waiting++;
    try {
      return await Promise.race([entry.answer, left.promise]);
    } finally {
      signal.removeEventListener("abort", onAbort);
      entry.waiting--;
      if (entry.waiting === 0 && entry.expiresAtMs === null) {
        this.#forget(key, entry);
        entry.abort.abort(signal.reason);
      }
    }
  }

  #forget(key: string, entry: Entry<V>): void {
    if (this.#entries.get(key) === entry) this.#entries.delete(key);
  }
}
