import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Histogram } from "../../src/lib/histogram.ts";

function histogramOf(values: readonly number[]): Histogram {
  const histogram = new Histogram();
  for (const value of values) histogram.add(value);
  return histogram;
}

/** From nothing to several minutes. */
const seconds = fc.oneof(fc.double({ min: 0, max: 600, noNaN: true }), fc.constantFrom(0, 1e-6, 1, 0.05));

describe("the buckets of a histogram", () => {
  it("hold each value between their bounds, and follow each other without a gap", () => {
    fc.assert(
      fc.property(fc.array(seconds, { minLength: 1, maxLength: 200 }), (values) => {
        const buckets = histogramOf(values).shown();
        let counted = 0;
        for (const [index, { le, count }] of buckets.entries()) {
          counted += count;
          // A value on a bound may fall to either side of it by rounding.
          const upTo = (bound: number) => values.filter((value) => value <= bound).length;
          expect(counted).toBeGreaterThanOrEqual(upTo(le * (1 - 1e-9)));
          expect(counted).toBeLessThanOrEqual(upTo(le * (1 + 1e-9)));
          expect(le / (buckets[index - 1]?.le ?? le / 1.02 ** 12)).toBeCloseTo(1.02 ** 12, 9);
        }
        expect(counted).toBe(values.length);
        expect(buckets.at(-1)?.count).toBeGreaterThan(0);
        expect(buckets[0]?.count).toBeGreaterThan(0);
      }),
    );
  });

  it("are few: ten or so to a power of ten", () => {
    expect(histogramOf([0.001, 10]).shown()).toHaveLength(39);
    expect(new Histogram().shown()).toEqual([]);
    expect(histogramOf([0, 0]).shown()).toEqual([{ le: 1e-6, count: 2 }]);
  });
});
