import { generateKeyPairSync, sign } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import { isOwnEndpoint } from "../../src/lib/aws-limits.ts";
import { isSignedByAny, rsaPublicKeys } from "../../src/lib/token-signature.ts";
import { parametersNamed, SIGNATURE_KEY, wireParameters } from "../../src/lib/wire-parameters.ts";
import type { Wire } from "../../src/model/context.ts";
import { Secret } from "../../src/model/secret.ts";
import { credentialsOf, profileOf, targetOf } from "../support/fixtures.ts";

const PLACES = [
  ["mqtt", "username"],
  ["wss", "username"],
  ["wss", "headers"],
  ["wss", "query"],
  ["https", "headers"],
  ["https", "query"],
] as const;

const MQTT = buildContext(profileOf(), "mqtt", credentialsOf(), targetOf());

function mqttWire(username: string): Wire {
  if ("kind" in MQTT || MQTT.wire.kind !== "mqtt") throw new Error("no wire");
  return { ...MQTT.wire, connect: { ...MQTT.wire.connect, username: new Secret(username) } };
}

describe("what a device says to its authorizer", () => {
  test.each(PLACES)("is found again over %s in %s, whatever it is", (protocol, credentialsIn) => {
    // What ends a pair inside a user name, where the token is not encoded, cannot be told from its end.
    const text = fc.string({ minLength: 1, maxLength: 40, unit: "grapheme-ascii" });
    const value = credentialsIn === "username" ? text.filter((each) => !/[&%]/.test(each)) : text;
    const key = fc.stringMatching(/^[a-zA-Z0-9_-]{1,20}$/).filter((each) => !/^x-amz-|^qos$/i.test(each));
    fc.assert(
      fc.property(key, value, fc.base64String({ minLength: 4 }), (name, token, signature) => {
        const context = buildContext(
          profileOf({ protocols: [protocol], credentialsIn, topic: "smoke/x", authorizer: "fleet" }),
          protocol,
          credentialsOf({
            token: { kind: "value", key: name, value: new Secret(token), signature: new Secret(signature) },
          }),
          targetOf(),
        );
        if ("kind" in context) return;
        const parameters = wireParameters(context.wire);
        expect(parametersNamed(parameters, name).flatMap(({ readings }) => readings)).toContain(token);
        expect(parametersNamed(parameters, SIGNATURE_KEY).flatMap(({ readings }) => readings)).toContain(
          signature,
        );
      }),
    );
  });

  test("a raw user name of any kind is no crash", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (username) => {
        for (const { readings } of wireParameters(mqttWire(username)))
          expect(readings.length).toBeGreaterThan(0);
      }),
    );
  });

  test("header names come in any case, AWS's own too; a token's key in a user name is literal", () => {
    const parameters = wireParameters(mqttWire("u?X-Amz-CustomAuthorizer-Signature=s&Key=a&Key"));
    expect(parametersNamed(parameters, SIGNATURE_KEY)).toHaveLength(1);
    expect(parametersNamed(parameters, "Key").map(({ readings }) => readings)).toEqual([["a"], [""]]);
    expect(parametersNamed(parameters, "key")).toEqual([]);
  });
});

describe("a token's signature", () => {
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const other = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = ({ publicKey }: { publicKey: typeof rsa.publicKey }) =>
    publicKey.export({ type: "spki", format: "pem" }).toString();
  const signature = sign("sha256", Buffer.from("token"), rsa.privateKey).toString("base64");

  test("is verified by any of the keys, over exactly these bytes", () => {
    const keys = rsaPublicKeys([pem(other), pem(rsa)]) ?? [];
    expect(isSignedByAny(keys, Buffer.from("token"), signature)).toBe(true);
    expect(isSignedByAny(keys, Buffer.from("token "), signature)).toBe(false);
    expect(isSignedByAny(keys.slice(0, 1), Buffer.from("token"), signature)).toBe(false);
    expect(isSignedByAny(keys, Buffer.from("token"), "AAAA")).toBe(false);
    expect(isSignedByAny([], Buffer.from("token"), signature)).toBe(false);
  });

  test("is left open where a key is none that AWS takes", () => {
    const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
    expect(rsaPublicKeys([pem(rsa), pem(curve)])).toBeNull();
    expect(rsaPublicKeys([pem(rsa), "no key"])).toBeNull();
    expect(rsaPublicKeys([])).toEqual([]);
  });
});

test.each([
  ["a1-ats.iot.eu-west-1.amazonaws.com", true],
  ["A1-ATS.iot.eu-west-1.amazonaws.com", true],
  ["a1.iot.eu-west-1.amazonaws.com", true],
  ["a1-ats.iot.eu-west-1.api.aws", true],
  ["a1-ats.iot-fips.eu-west-1.amazonaws.com", true],
  ["a1-ats.iot.us-east-1.amazonaws.com", false],
  ["b2-ats.iot.eu-west-1.amazonaws.com", false],
  ["a1-ats.example.com", false],
  ["", false],
])("%s is the account's own: %s", (name, isOwn) => {
  expect(isOwnEndpoint(name, "a1-ats.iot.eu-west-1.amazonaws.com")).toBe(isOwn);
});
