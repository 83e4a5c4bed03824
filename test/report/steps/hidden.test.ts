import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Secret } from "../../../src/model/secret.ts";
import {
  hiddenText,
  hide,
  hideParameters,
  hideUsername,
  type Known,
  parameterText,
} from "../../../src/report/steps/hidden.ts";

const NOBODY: Known = { authorizer: null, names: {}, secrets: [] };
const BASE64 = Buffer.alloc(256, 7).toString("base64");

describe("what is said of a credential", () => {
  it.each([
    ["", "<secret> 0 bytes, empty"],
    ["x", "<secret> 1 byte, printable ASCII"],
    ["correct horse", "<secret> 13 bytes, printable ASCII"],
    ["pw\n", "<secret> 3 bytes, ASCII, ends with a line break"],
    ["a\nb", "<secret> 3 bytes, ASCII, holds a line break"],
    [" pw", "<secret> 3 bytes, printable ASCII, begins or ends with white space"],
    ["pw\t", "<secret> 3 bytes, ASCII, begins or ends with white space"],
    ["\uFEFFpw", "<secret> 5 bytes, UTF-8 text, begins with a byte order mark"],
    ["pässwörd", "<secret> 10 bytes, UTF-8 text"],
    ["a%2Bb", "<secret> 5 bytes, printable ASCII, percent-encoded"],
    [BASE64, "<secret> 344 bytes, base64 of 256 bytes"],
    [BASE64.replace(/=+$/, ""), "<secret> 342 bytes, base64 without its padding"],
    ["_-".repeat(30), "<secret> 60 bytes, base64url"],
    ["ab01".repeat(16), "<secret> 64 bytes, hexadecimal"],
    ["eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln", "<secret> 41 bytes, a JWT"],
  ])("%j: %s", (text, said) => {
    expect(hiddenText(hide(new Secret(text)))).toBe(said);
  });

  it("is that it is no text, where it is none", () => {
    expect(hide(new Secret(Uint8Array.of(0xff, 0xfe)))).toEqual({ bytes: 2, looks: ["not UTF-8 text"] });
  });

  it("is that it repeats a name that is no secret", () => {
    const names = { "the device id": "pump-1", "the client id": "pump-1", "another name": "pump-2" };
    expect(hide(new Secret("pump-1"), names).looks).toContain("the same as the device id and the client id");
  });

  it("is never the credential, nor a part of it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        // No word of ours has it.
        const marked = `Q7z${text}`;
        expect(JSON.stringify(hide(new Secret(marked)))).not.toContain("Q7z");
        const username = new Secret(`${marked}?a=${marked}&${marked}`);
        // A name that a piece of the text happens to be (`Q7z=…`) is a name.
        fc.pre(!/[=&]/.test(text));
        expect(JSON.stringify(hideUsername(username, NOBODY))).not.toContain("Q7z");
      }),
    );
  });
});

describe("a user name on the wire", () => {
  const known: Known = { ...NOBODY, authorizer: "fleet", secrets: [new Secret("planted")] };

  it("is taken apart at its question mark: names are shown, values are not, the authorizer's is", () => {
    const { login, parameters } = hideUsername(
      new Secret("login?x-amz-customauthorizer-name=fl%65et&x-token=planted&odd"),
      known,
    );
    expect(login).toEqual({ bytes: 5, looks: ["printable ASCII"] });
    expect(parameters.map((each) => parameterText(each))).toEqual([
      "x-amz-customauthorizer-name=fleet",
      "x-token=<secret> 7 bytes, printable ASCII",
      "<secret> 3 bytes, printable ASCII, without a name",
    ]);
  });

  it("without a question mark has no parts", () => {
    expect(hideUsername(new Secret("login"), known)).toMatchObject({ login: null, parameters: [] });
  });

  it.each(["planted=1", "a planted b=1", `${"x".repeat(65)}=1`, "sp ace=1", "ü=1", "\u001b[31m=1"])(
    "does not show %j as a name",
    (pair) => {
      expect(hideParameters(pair, known)[0]?.name).toBe("<secret>");
    },
  );

  it("shows a QoS, and nothing that only calls itself so", () => {
    expect(hideParameters("qos=1&qos=planted", known).map(({ shown }) => shown)).toEqual(["1", null]);
  });

  it("bears any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const { parameters } = hideUsername(new Secret(text), NOBODY);
        const bytes = new Secret(text).length;
        expect(parameters.every(({ value }) => (value?.bytes ?? 0) <= bytes)).toBe(true);
      }),
    );
  });
});
