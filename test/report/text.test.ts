import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { duration, latency } from "../../src/report/numbers.ts";
import { ellipsize, pad, printable, quoted, widthOf, wrap } from "../../src/report/text.ts";

const anyText = fc.string({ unit: "binary", maxLength: 80 });

describe("text for a terminal", () => {
  it.each([
    ["abc", 3],
    ["ポンプ", 6],
    ["e\u0301", 1],
    ["👩‍🚒", 2],
    ["", 0],
  ])("%j takes %d columns", (text, width) => {
    expect(widthOf(text)).toBe(width);
  });

  it.each([
    ["pump-0001", "pump-0001"],
    ["arn:aws:iot/x", "arn:aws:iot/x"],
    ["a, b", '"a, b"'],
    ["", '""'],
    ['say "hi"', '"say \\"hi\\""'],
    ["a\u001b[31m", '"a\\u001b[31m"'],
    ["\u202Egpj", '"\\u{202e}gpj"'],
  ])("the name %j is shown as %s", (name, shown) => {
    expect(quoted(name)).toBe(shown);
  });

  it("never prints what cannot be seen", () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(printable(text)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
      }),
    );
  });

  it("is cut to its columns and padded to them", () => {
    fc.assert(
      fc.property(anyText.map(printable), fc.integer({ min: 1, max: 40 }), (text, width) => {
        expect(widthOf(ellipsize(text, width))).toBeLessThanOrEqual(width);
        expect(widthOf(pad(ellipsize(text, width), width))).toBe(width);
      }),
    );
  });

  it("is wrapped without losing a character", () => {
    fc.assert(
      fc.property(anyText.map(printable), fc.integer({ min: 2, max: 40 }), (text, width) => {
        const lines = wrap(text, width);
        for (const line of lines) expect(widthOf(line)).toBeLessThanOrEqual(width);
        expect(lines.join("").replaceAll(" ", "")).toBe(text.replaceAll(" ", ""));
      }),
    );
  });
});

describe("numbers", () => {
  it.each([
    [0, "0.00 ms"],
    [0.00042, "0.42 ms"],
    [0.0073, "7.3 ms"],
    [0.12, "120 ms"],
    [0.9994, "999 ms"],
    [0.9996, "1.0 s"],
    [4.94, "4.9 s"],
  ])("a latency of %s s reads %s", (seconds, text) => {
    expect(latency(seconds)).toBe(text);
  });

  it.each([
    [0.04, "0.0 s"],
    [9.94, "9.9 s"],
    [9.96, "10 s"],
    [59.4, "59 s"],
    [59.6, "1 min 00 s"],
    [185, "3 min 05 s"],
    [3599.7, "1 h 00 min"],
    [7800, "2 h 10 min"],
  ])("a duration of %s s reads %s", (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });
});
