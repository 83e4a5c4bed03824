import { Buffer } from "node:buffer";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cut, mask, scrub } from "../../src/lib/scrub.ts";
import { Secret } from "../../src/model/secret.ts";

const PASSWORD = new Secret('hunter2 & "Söhne"');

describe("mask", () => {
  const text = PASSWORD.exposeText();
  const json = JSON.stringify(text).slice(1, -1);
  const forms: Readonly<Record<string, string>> = {
    "as it is": text,
    "in JSON": json,
    "in JSON inside JSON": JSON.stringify(json).slice(1, -1),
    "in JSON of a writer that keeps to ASCII": json.replace("ö", "\\u00f6"),
    "URL-encoded": encodeURIComponent(text),
    "URL-encoded in lower case": encodeURIComponent(text).replace(/%../g, (each) => each.toLowerCase()),
    "URL-encoded twice": encodeURIComponent(encodeURIComponent(text)),
    "as a form field": encodeURIComponent(text).replaceAll("%20", "+"),
    "in hexadecimal": Buffer.from(text).toString("hex").toUpperCase(),
    "in base64": Buffer.from(text).toString("base64"),
    "in base64 for URLs": Buffer.from(text).toString("base64url"),
    "in base64, URL-encoded": encodeURIComponent(Buffer.from(text).toString("base64")),
  };

  it.each(Object.entries(forms))("hides a secret %s", (_, form) => {
    expect(mask(`it was ${form}, wrong`, [PASSWORD])).toBe("it was <secret>, wrong");
  });

  it.each([1, 2, 3, 4, 5, 6])(
    "leaves nothing of base64 that ends with a secret of 8 bytes and %i more",
    (more) => {
      const secret = new Secret("hunter22".padEnd(8 + more, "x"));
      expect(mask(`got ${secret.exposeBytes().toString("base64")} here`, [secret])).toBe("got <secret> here");
    },
  );

  it("leaves no character of a longer base64 text that holds bits of the secret", () => {
    const bytes = (minLength: number) => fc.uint8Array({ minLength, maxLength: 24 });
    fc.assert(
      fc.property(bytes(0), bytes(6), bytes(0), (before, inside, after) => {
        const whole = Buffer.concat([before, inside, after]).toString("base64");
        const [left = "", ...right] = mask(whole, [new Secret(inside)]).split("<secret>");
        expect(right.length).toBeGreaterThan(0);
        expect(left.length).toBeLessThanOrEqual((before.length * 8) / 6);
        const behind = right.join("").replace(/=+$/, "");
        const characters = (byteCount: number) => Math.ceil((byteCount * 8) / 6);
        const mayStay =
          characters(before.length + inside.length + after.length) -
          characters(before.length + inside.length);
        expect(behind.length).toBeLessThanOrEqual(mayStay);
      }),
    );
  });

  it("hides secrets that overlap to their very ends", () => {
    expect(mask("abcdefgh", [new Secret("abcdef"), new Secret("cdefgh")])).toBe("<secret>");
  });

  it("masks a short secret only where it stands as a word", () => {
    expect(mask("pin 12, not 1234", [new Secret("12")])).toBe("pin <secret>, not 1234");
  });

  it("does not take its own mask for a secret", () => {
    expect(mask("my secret", [new Secret("secret")])).toBe("my <secret>");
    expect(mask("hunter2 secret", [new Secret("secret"), new Secret("hunter2")])).toBe("<secret> <secret>");
  });
});

describe("scrub", () => {
  it("puts control characters, line breaks and changes of direction on one line", () => {
    expect(scrub("a\u001b[31m\r\n::error\u202eb", [])).toBe("a [31m ::error b");
  });

  it("shows no piece of a secret that it looked at only in part", () => {
    const secret = new Secret("S".repeat(10_000));
    const told = scrub(`${"\n".repeat(16_000)}${secret.exposeText()}${"\n".repeat(200_000)}`, [secret]);
    expect(told).toBe(" <secret>…");
    const long = new Secret(`${"q".repeat(64)}`);
    for (let from = 16_200; from < 16_500; from += 1) {
      const noise = `${"\n".repeat(from)}${long.exposeText()}${" ".repeat(100_000)}`;
      expect(scrub(noise, [long])).not.toContain("q");
    }
  });

  it("looks at a bounded part of what it is given", () => {
    const secrets = Array.from({ length: 20 }, (_, index) => new Secret(`never-there-${index}`));
    let searched = 0;
    const text = "x".repeat(50_000_000);
    const counting = new Proxy(Object(text) as object, {
      get: (_, key) => {
        if (key === "length") return text.length;
        if (key !== "slice") return Reflect.get(String.prototype, key, text);
        return (from: number, to: number) => {
          searched = to - from;
          return text.slice(from, to);
        };
      },
    }) as unknown as string;
    expect(scrub(counting, secrets)).toMatch(/^x+…$/);
    expect(searched).toBeLessThan(20_000);
  });
});

describe("cut", () => {
  it("never ends with half a character", () => {
    expect(cut("ab😀cd", 4)).toBe("ab…");
    expect(cut("ab😀cd", 5)).toBe("ab😀…");
    expect(cut("abcde", 5)).toBe("abcde");
  });
});
