import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matches, splitArn, wildcards } from "../../src/policy/wildcard.ts";

/** What a wildcard means, word for word. */
function obvious(pattern: readonly string[], text: readonly string[]): boolean {
  const [first, ...rest] = pattern;
  if (first === undefined) return text.length === 0;
  if (first === "*") return text.concat("").some((_, skipped) => obvious(rest, text.slice(skipped)));
  return text.length > 0 && (first === "?" || first === text[0]) && obvious(rest, text.slice(1));
}

const letters = (of: string, maxLength: number) =>
  fc.array(fc.constantFrom(...Array.from(of)), { maxLength }).map((list) => list.join(""));

describe("the wildcard matcher", () => {
  it("agrees with the obvious definition", () => {
    fc.assert(
      fc.property(letters("ab/*?😀", 8), letters("ab/*?😀", 10), (pattern, text) => {
        expect(matches(wildcards(pattern), text)).toBe(obvious(Array.from(pattern), Array.from(text)));
      }),
      { numRuns: 5000 },
    );
  });

  it("finds any text that was made from its pattern", () => {
    const pieces = fc.array(fc.tuple(letters("ab", 3), letters("ab:/+#", 4)), { maxLength: 6 });
    fc.assert(
      fc.property(pieces, (list) => {
        const pattern = list.map(([fixed]) => `${fixed}*`).join("");
        expect(matches(wildcards(pattern), list.flat().join(""))).toBe(true);
      }),
    );
  });

  it("does not try every way to place many asterisks", () => {
    // Trying them all would not end within the test's time limit.
    const pattern = wildcards(`${"*a".repeat(500)}*b`);
    expect(matches(pattern, "a".repeat(5000))).toBe(false);
    expect(matches(pattern, `${"a".repeat(5000)}b`)).toBe(true);
  });
});

describe("splitting an ARN", () => {
  it("keeps colons after the fifth in the last part", () => {
    const parts = splitArn(wildcards("arn:aws:iot::1:topic/a:b"))?.map((part) => part.join(""));
    expect(parts).toEqual(["arn", "aws", "iot", "", "1", "topic/a:b"]);
  });

  it("refuses fewer than six parts", () => {
    expect(splitArn(wildcards("arn:aws:iot:*"))).toBeNull();
  });
});
