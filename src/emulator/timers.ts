/**
 * Timers that belong to one owner, so that stopping it leaves none behind. They are no reason for the process to
 * stay up: its listeners are.
 */
export class Timers {
  readonly #pending = new Set<NodeJS.Timeout>();

  /** Runs `task` after `ms` unless cleared before; answers a function that takes it back. */
  after(ms: number, task: () => void): () => void {
    const timer = setTimeout(() => {
      this.#pending.delete(timer);
      task();
    }, ms);
    timer.unref();
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
