import { Buffer } from "node:buffer";
import fc from "fast-check";
import { expect, test } from "vitest";
import { type Line, readLines } from "../../src/profiles/lines.ts";
import { collect } from "./fleet-support.ts";

async function linesOf(bytes: Buffer, cuts: readonly number[]): Promise<readonly Line[]> {
  const places = [0, ...[...cuts].map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  async function* chunks() {
    for (const [index, from] of places.entries())
      yield bytes.subarray(from, places[index + 1] ?? bytes.length);
  }
  return (await collect(readLines(chunks()))).flat();
}

test("property: lines are the same however the bytes arrive", async () => {
  const piece = fc.constantFrom("a", "é", "𝄞", "\r", "\n", "\r\n", "", "\uFEFF", '"');
  await fc.assert(
    fc.asyncProperty(fc.array(piece), fc.array(fc.nat()), async (pieces, cuts) => {
      const text = pieces.join("");
      const lines = await linesOf(Buffer.from(text), cuts);
      const expected = text.replace(/^\uFEFF/, "").split("\n");
      if (text.endsWith("\n") || text === "") expected.pop();
      expect(lines).toEqual(
        expected.map((line, index) => ({ kind: "text", line: index + 1, text: line.replace(/\r$/, "") })),
      );
    }),
  );
});

test("property: a line with bytes that are no UTF-8 spoils only itself", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.array(fc.nat()), async (noise, cuts) => {
      const inner = Buffer.from(noise.filter((byte) => byte !== 0x0a));
      const bytes = Buffer.concat([Buffer.from("before\n"), inner, Buffer.from("\nafter")]);
      const [first, second, third] = await linesOf(bytes, cuts);
      expect(first).toEqual({ kind: "text", line: 1, text: "before" });
      expect(third).toEqual({ kind: "text", line: 3, text: "after" });
      const isText =
        !inner.toString("utf8").includes("\uFFFD") || Buffer.from(inner.toString("utf8")).equals(inner);
      expect(second?.kind).toBe(isText ? "text" : "bad");
    }),
  );
});

test("a line of 1 MiB is read, one byte more is not", async () => {
  const fits = "x".repeat(1024 * 1024);
  const lines = await linesOf(Buffer.from(`${fits}\n${fits}x\n${fits}`), [70_000, 500_000, 1_500_000]);
  expect(lines.map(({ kind, line }) => [line, kind])).toEqual([
    [1, "text"],
    [2, "bad"],
    [3, "text"],
  ]);
});
