/**
 * One direction of a connection: beyond its bytes a second (512 KB, quota page) it is not cut but slowed down.
 * What is over the budget is paid off before anything more may pass.
 */
export class Throughput {
  readonly #bytesPerSecond: number;
  readonly #now: () => number;
  #budget: number;
  #atMs: number;

  /** @param now monotonic ms */
  constructor(bytesPerSecond: number, now: () => number) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#now = now;
    this.#budget = bytesPerSecond;
    this.#atMs = now();
  }

  /** How long to wait until something may pass, in ms. */
  get waitMs(): number {
    const nowMs = this.#now();
    const earned = ((nowMs - this.#atMs) / 1000) * this.#bytesPerSecond;
    this.#budget = Math.min(this.#bytesPerSecond, this.#budget + earned);
    this.#atMs = nowMs;
    return this.#budget >= 0 ? 0 : (-this.#budget / this.#bytesPerSecond) * 1000;
  }

  /** Notes what has passed. */
  spend(bytes: number): void {
    this.#budget -= bytes;
  }
}
