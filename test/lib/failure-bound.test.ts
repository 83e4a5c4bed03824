import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { devicesToExclude, failureRateBound, ratePercent, wilsonUpper } from "../../src/lib/failure-bound.ts";

describe("Wilson's upper limit", () => {
  // R. G. Newcombe, Statistics in Medicine 17, 1998, 857–872, table I, method 3.
  it.each([
    [81, 263, 0.3662],
    [15, 148, 0.1605],
    [0, 20, 0.1611],
    [1, 29, 0.1718],
  ])("of %i in %i is %f", (failed, of, limit) => {
    expect(wilsonUpper(failed / of, of)).toBeCloseTo(limit, 4);
  });
});

const samples = fc
  .integer({ min: 2, max: 100_000 })
  .chain((ofDevices) =>
    fc.record({ ofDevices: fc.constant(ofDevices), devices: fc.integer({ min: 1, max: ofDevices }) }),
  )
  .chain((drawn) => fc.tuple(fc.constant(drawn), fc.integer({ min: 0, max: drawn.devices })));

describe("the failure rate that a sample does not exclude", () => {
  it("is at least the rate in the sample, a whole number of devices, and exact where all were drawn", () => {
    fc.assert(
      fc.property(samples, ([drawn, failed]) => {
        const bound = failureRateBound(failed, drawn);
        expect(bound).toBeGreaterThanOrEqual(failed / drawn.devices - 1e-9);
        expect(bound).toBeLessThanOrEqual(1);
        if (drawn.devices === drawn.ofDevices) expect(bound).toBe(failed / drawn.devices);
        else
          expect(Math.abs(bound * drawn.ofDevices - Math.round(bound * drawn.ofDevices))).toBeLessThan(1e-6);
      }),
    );
  });

  it("rises with the failures, and falls with a larger sample that shows none", () => {
    fc.assert(
      fc.property(samples, ([{ devices, ofDevices }, failed]) => {
        const drawn = { devices, ofDevices };
        if (failed < devices) {
          expect(failureRateBound(failed + 1, drawn)).toBeGreaterThanOrEqual(failureRateBound(failed, drawn));
        }
        if (devices < ofDevices) {
          const more = failureRateBound(0, { devices: devices + 1, ofDevices });
          expect(more).toBeLessThanOrEqual(failureRateBound(0, drawn));
        }
      }),
    );
  });

  it("is everything where nothing was drawn", () => {
    expect(failureRateBound(0, { devices: 0, ofDevices: 10 })).toBe(1);
  });

  it("is passed by chance in less than 5 % of samples of seven devices and more, of which few fail", () => {
    for (const ofDevices of [8, 10, 20, 50, 100, 400]) {
      for (let devices = 7; devices < ofDevices; devices += 1) {
        for (let failed = 0; failed <= devices / 8; failed += 1) {
          const most = Math.round(failureRateBound(failed, { devices, ofDevices }) * ofDevices);
          if (most < ofDevices) {
            expect(chanceOf(failed, { devices, ofDevices, failing: most + 1 })).toBeLessThan(0.05);
          }
        }
      }
    }
  });
});

describe("a rate for people", () => {
  it.each([
    [0, "0 %"],
    [0.0497, "4.97 %"],
    [0.05, "5 %"],
    [0.061127, "6.12 %"],
    [1 / 3, "33.4 %"],
    [0.00012341, "0.0124 %"],
    [1, "100 %"],
  ])("of %f is %s: rounded up, so that it promises no more", (rate, text) => {
    expect(ratePercent(rate)).toBe(text);
  });
});

describe("the sample that excludes a rate", () => {
  it.each([
    [10, 10],
    [100, 49],
    [1_000, 70],
    [1_000_000, 73],
  ])("of 5 %% of %i devices is %i", (ofDevices, devices) => {
    expect(devicesToExclude(0.05, ofDevices)).toBe(devices);
  });
});

interface Urn {
  readonly devices: number;
  readonly ofDevices: number;
  readonly failing: number;
}

/** Chance of at most `failed` among the drawn, counted exactly (hypergeometric distribution). */
function chanceOf(failed: number, { devices, ofDevices, failing }: Urn): number {
  let chance = 0;
  for (let hit = 0; hit <= failed; hit += 1) {
    const ways = logChoose(failing, hit) + logChoose(ofDevices - failing, devices - hit);
    chance += Math.exp(ways - logChoose(ofDevices, devices));
  }
  return chance;
}

const LOG_FACTORIALS = [0];
for (let n = 1; n <= 400; n += 1) LOG_FACTORIALS.push((LOG_FACTORIALS[n - 1] ?? 0) + Math.log(n));

function logChoose(of: number, taken: number): number {
  if (taken < 0 || taken > of) return Number.NEGATIVE_INFINITY;
  const log = (n: number) => LOG_FACTORIALS[n] ?? Number.NaN;
  return log(of) - log(taken) - log(of - taken);
}
