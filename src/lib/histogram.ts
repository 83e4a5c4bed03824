/** Buckets grow by this factor, so a quantile is off by at most half of it (about 1 %). */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** Values at or below one microsecond share the first bucket. */
const FLOOR = 1e-6;

/** Quantiles of many positive values (seconds) in constant memory. */
export class Histogram {
  readonly #buckets = new Map<number, number>();
  #samples = 0;
  #max = 0;

  add(value: number): void {
    const bucket = value <= FLOOR ? 0 : Math.ceil(Math.log(value / FLOOR) / LOG_GROWTH);
    this.#buckets.set(bucket, (this.#buckets.get(bucket) ?? 0) + 1);
    this.#samples += 1;
    this.#max = Math.max(this.#max, value);
  }

  get samples(): number {
    return this.#samples;
  }

  get max(): number {
    return this.#max;
  }

  /** The value that a share `q` (0..1) of the samples does not exceed; 0 without samples. */
  quantile(q: number): number {
    const rank = Math.max(1, Math.ceil(q * this.#samples));
    let seen = 0;
    for (const bucket of [...this.#buckets.keys()].sort((a, b) => a - b)) {
      seen += this.#buckets.get(bucket) ?? 0;
      if (seen >= rank) return Math.min(this.#max, FLOOR * GROWTH ** (bucket - 0.5));
    }
    return this.#max;
  }
}
