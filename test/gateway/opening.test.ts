import { Buffer } from "node:buffer";
import fc from "fast-check";
import { generate } from "mqtt-packet";
import { describe, expect, test } from "vitest";
import { FIXED_HEADER_BYTES } from "../../src/gateway/framing.ts";
import { MAX_BYTES_BEFORE_VERDICT } from "../../src/gateway/limits.ts";
import { readOpening } from "../../src/gateway/opening.ts";

const versions = fc.constantFrom(4 as const, 5 as const);
const kindOf = (bytes: readonly number[], version: 4 | 5): string =>
  readOpening(Uint8Array.from(bytes), version).kind;

describe("the first bytes of an answer to CONNECT", () => {
  test("of every CONNACK a library writes are plausible", () => {
    fc.assert(
      fc.property(
        versions,
        fc.integer({ min: 0, max: 255 }),
        fc.string({ maxLength: 300 }),
        (version, code, text) => {
          const packet = {
            cmd: "connack",
            sessionPresent: false,
            returnCode: code,
            reasonCode: code,
            properties: { reasonString: text },
          } as const;
          const bytes = generate(packet, { protocolVersion: version });
          expect(readOpening(bytes.subarray(0, FIXED_HEADER_BYTES), version)).toEqual({ kind: "plausible" });
        },
      ),
    );
  });

  test("decide the same whether they come at once or one by one", () => {
    fc.assert(
      fc.property(versions, fc.uint8Array({ minLength: 1, maxLength: 12 }), (version, bytes) => {
        const whole = readOpening(bytes, version);
        const kinds = Array.from(bytes, (_byte, index) => readOpening(bytes.subarray(0, index + 1), version));
        // Once decided, more bytes change nothing; until then they are incomplete.
        const decided = kinds.find((each) => each.kind !== "incomplete");
        expect(decided ?? { kind: "incomplete" }).toEqual(whole);
      }),
    );
  });

  test("are never still undecided after five", () => {
    fc.assert(
      fc.property(
        versions,
        fc.uint8Array({ minLength: FIXED_HEADER_BYTES, maxLength: FIXED_HEADER_BYTES }),
        (version, bytes) => {
          expect(readOpening(bytes, version).kind).not.toBe("incomplete");
        },
      ),
    );
  });

  test("begin a CONNACK, or in MQTT 5 a DISCONNECT, and nothing else", () => {
    for (let type = 0; type < 256; type += 1) {
      const expected = type === 0x20 || type === 0xe0 ? "plausible" : "violation";
      const rest = [2, 0, 0, 0];
      expect(kindOf([type, ...rest], 5)).toBe(expected);
      expect(kindOf([type, ...rest], 4)).toBe(type === 0x20 ? "plausible" : "violation");
    }
  });

  test("announce exactly two bytes in 3.1.1 and no more than is read in 5", () => {
    expect(kindOf([0x20, 3], 4)).toBe("violation");
    expect(kindOf([0x20, 3], 5)).toBe("plausible");
    const limit = MAX_BYTES_BEFORE_VERDICT; // 2^18: 0x80 0x80 0x10
    expect(limit).toBe(0x10 * 128 ** 2);
    expect(kindOf([0x20, 0x80, 0x80, 0x10], 5)).toBe("plausible");
    expect(kindOf([0x20, 0x81, 0x80, 0x10], 5)).toBe("violation");
  });

  test("in HTTP are named", () => {
    expect(readOpening(Buffer.from("HTTP/"), 4)).toMatchObject({ reason: expect.stringContaining("HTTP") });
    expect(kindOf([...Buffer.from("HTT")], 4)).toBe("incomplete");
    expect(kindOf([...Buffer.from("Hello")], 4)).toBe("violation");
  });
});
