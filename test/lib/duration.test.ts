import fc from "fast-check";
import { expect, test } from "vitest";
import { formatDuration, parseDuration } from "../../src/lib/duration.ts";

test.each([
  ["250ms", 250],
  ["5s", 5_000],
  ["10m", 600_000],
  ["2h", 7_200_000],
  ["1d", 86_400_000],
  ["0s", 0],
  ["010s", 10_000],
])("%s is %i ms", (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
});

test.each(["", "5", "s", "5 s", "-5s", "1.5s", "5S", "1h30m", "5s\n", "٥s", "9999999999999s", "1e3s", "5w"])(
  "%j is no duration",
  (text) => {
    expect(parseDuration(text)).toBeNull();
  },
);

test("what is written by formatDuration is read back as the same number of milliseconds", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e12 - 1 }), (durationMs) => {
      expect(parseDuration(formatDuration(durationMs))).toBe(durationMs);
    }),
  );
});

test("a count and a unit give count times the unit, and the shortest form is never longer", () => {
  const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
  const unit = fc.constantFrom(...(Object.keys(units) as (keyof typeof units)[]));
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100_000 }), unit, (count, name) => {
      const text = `${count}${name}`;
      const durationMs = parseDuration(text);
      expect(durationMs).toBe(count * units[name]);
      expect(formatDuration(durationMs ?? 0).length).toBeLessThanOrEqual(text.length + 1);
    }),
  );
});

test("arbitrary text is either read as a whole number of milliseconds or refused", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (text) => {
      const durationMs = parseDuration(text);
      expect(durationMs === null || (Number.isSafeInteger(durationMs) && durationMs >= 0)).toBe(true);
    }),
  );
});
