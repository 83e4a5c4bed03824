interface Waiter<T> {
  readonly go: (turn: T) => void;
}

/** Those who wait for the same thing, first come, first served. Who is aborted leaves the line at once. */
export class WaitingLine<T = void> {
  // A set keeps the order of arrival and forgets any member in constant time.
  readonly #waiters = new Set<Waiter<T>>();

  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Resolves when it is this one's turn; throws the signal's reason when aborted before. */
  join(signal: AbortSignal, onLeave?: () => void): Promise<T> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        this.#waiters.delete(waiter);
        reject(signal.reason);
        onLeave?.();
      };
      const waiter: Waiter<T> = {
        go(turn) {
          signal.removeEventListener("abort", onAbort);
          resolve(turn);
        },
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Lets the first one go; false when nobody waits. */
  releaseFirst(turn: T): boolean {
    for (const waiter of this.#waiters) {
      this.#waiters.delete(waiter);
      waiter.go(turn);
      return true;
    }
    return false;
  }
}
