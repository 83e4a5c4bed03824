/**
 * Collects what is said within one turn of the event loop and passes it on as one list: a message between processes costs
 * more than what is in it.
 */
export class TurnBatch<T> {
  readonly #pass: (all: readonly T[]) => void;
  #waiting: T[] = [];

  constructor(pass: (all: readonly T[]) => void) {
    this.#pass = pass;
  }

  add(one: T): void {
    this.#waiting.push(one);
    if (this.#waiting.length === 1) setImmediate(() => this.#flush());
  }

  #flush(): void {
    const all = this.#waiting;
    this.#waiting = [];
    this.#pass(all);
  }
}
