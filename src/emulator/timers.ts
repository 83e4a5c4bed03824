/** Timers that belong to one owner, so that stopping it leaves none behind. */
export class Timers {
  readonly #pending = new Set<NodeJS.Timeout>();

  /** Runs `task` after `ms` unless cleared before; answers a function that takes it back. */
  after(ms: number, task: () => void): () => void {
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      task();
    }, ms);
    this.#pending.add(timer);
    return () => {
      clearTimeout(timer);
      this.#pending.delete(timer);
    };
  }

  clear(): void {
    for (const timer of this.#pending) clearTimeout(timer);
    this.#pending.clear();
  }
}
