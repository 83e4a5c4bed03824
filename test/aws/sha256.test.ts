import { createHash, createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Sha256 } from "../../src/aws/sha256.ts";

const chunks = fc.array(fc.uint8Array(), { maxLength: 4 });
const text = fc.string({ minLength: 1, unit: "binary" });

async function digestOf(chunks: readonly Uint8Array[], secret?: string | ArrayBuffer | ArrayBufferView) {
  const sha256 = new Sha256(secret);
  for (const chunk of chunks) sha256.update(chunk);
  return Buffer.from(await sha256.digest()).toString("hex");
}

describe("the hash that the SDK signs with", () => {
  test("property: it is SHA-256 of all chunks", () =>
    fc.assert(
      fc.asyncProperty(chunks, async (data) => {
        const expected = createHash("sha256").update(Buffer.concat(data)).digest("hex");
        expect(await digestOf(data)).toBe(expected);
      }),
    ));

  test("property: with a key it is HMAC-SHA-256, however the key comes, and however often", () =>
    fc.assert(
      fc.asyncProperty(chunks, text, async (data, secret) => {
        const bytes = new TextEncoder().encode(secret);
        const expected = createHmac("sha256", bytes).update(Buffer.concat(data)).digest("hex");
        for (const key of [secret, bytes, bytes, bytes.slice().buffer]) {
          expect(await digestOf(data, key)).toBe(expected);
        }
      }),
    ));

  test("after a reset it begins anew", async () => {
    const sha256 = new Sha256();
    sha256.update(Buffer.from("before"));
    sha256.reset();
    sha256.update(Buffer.from("after"));
    const expected = createHash("sha256").update("after").digest();
    expect(Buffer.from(await sha256.digest())).toEqual(expected);
  });
});
