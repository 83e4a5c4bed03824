/** Token buckets by key; a bucket that has filled up again is forgotten. */
export class TokenBuckets {
  readonly #perSecond: number;
  readonly #burst: number;
  readonly #now: () => number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();
  #sweepAt = 1024;

  /** @param now monotonic milliseconds */
  constructor(perSecond: number, burst: number, now: () => number) {
    this.#perSecond = perSecond;
    this.#burst = Math.max(1, burst);
    this.#now = now;
  }

  /** How many keys are kept. */
  get size(): number {
    return this.#buckets.size;
  }

  /** Takes a token if there is one. */
  take(key: string): boolean {
    const atMs = this.#now();
    const tokens = this.#tokens(key, atMs);
    const isTaken = tokens >= 1;
    this.#buckets.set(key, { tokens: isTaken ? tokens - 1 : tokens, atMs });
    if (this.#buckets.size > this.#sweepAt) this.#sweep(atMs);
    return isTaken;
  }

  #tokens(key: string, atMs: number): number {
    const bucket = this.#buckets.get(key);
    if (bucket === undefined) return this.#burst;
    const refilled = bucket.tokens + ((atMs - bucket.atMs) / 1000) * this.#perSecond;
    // A millionth is lost to floating point, not to the client.
    return Math.min(this.#burst, refilled + 1e-6);
  }

  #sweep(atMs: number): void {
    for (const key of this.#buckets.keys()) {
      if (this.#tokens(key, atMs) >= this.#burst) this.#buckets.delete(key);
    }
    this.#sweepAt = Math.max(1024, this.#buckets.size * 2);
  }
}
