/** Buckets grow by this factor, so a quantile is off by at most half of it (about 1 %). */
const GROWTH = 1.02;
const LOG_GROWTH = Math.log(GROWTH);
/** Values at or below one microsecond share the first bucket. */
const FLOOR = 1e-6;
/** Buckets shown as one: bounds then grow by 27 %, some ten to a power of ten. */
const SHOWN_TOGETHER = 12;

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

  /**
   * How the samples are spread, without a gap from the first bucket that holds any to the last: each counts those above
   * the bound before and not above its own, `le`.
   */
  shown(): { readonly le: number; readonly count: number }[] {
    const counts = new Map<number, number>();
    for (const [bucket, count] of this.#buckets) {
      const shown = Math.ceil(bucket / SHOWN_TOGETHER);
      counts.set(shown, (counts.get(shown) ?? 0) + count);
    }
    if (counts.size === 0) return [];
    const first = Math.min(...counts.keys());
    const last = Math.max(...counts.keys());
    return Array.from({ length: last - first + 1 }, (_, index) => ({
      le: FLOOR * GROWTH ** ((first + index) * SHOWN_TOGETHER),
      count: counts.get(first + index) ?? 0,
    }));
  }
}
