/**
 * Collects what is said within one turn of the event loop, or for longer, and passes it on as one list: a message between
 * processes costs more than what is in it.
 */
export class Batch<T> {
  readonly #pass: (all: readonly T[]) => void;
  readonly #waitMs: number;
  #waiting: T[] = [];

  /** @param waitMs what comes within so long after the first goes with it; 0: within its turn */
  constructor(pass: (all: readonly T[]) => void, waitMs = 0) {
    this.#pass = pass;
    this.#waitMs = waitMs;
  }

  add(one: T): void {
    this.#waiting.push(one);
    if (this.#waiting.length > 1) return;
    if (this.#waitMs === 0) setImmediate(() => this.flush());
    else setTimeout(() => this.flush(), this.#waitMs);
  }

  /** Passes on at once what waits, if anything does. */
  flush(): void {
    if (this.#waiting.length === 0) return;
    const all = this.#waiting;
    this.#waiting = [];
    this.#pass(all);
  }
}
