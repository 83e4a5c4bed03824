import fc from "fast-check";
import { expect, test } from "vitest";
import { limitBreach } from "../../src/aws/request-limits.ts";
import type { InvokeRequest } from "../../src/model/context.ts";
import { Secret } from "../../src/model/secret.ts";
import { EMPTY_REQUEST } from "./aws-parts.ts";

const MQTT = { username: null, password: null, clientId: null };
const HTTP = { headers: null, queryString: null };

function long(characters: number): Secret {
  return new Secret("x".repeat(characters));
}

/** One field at its limit and one past it, with the cause of the breach. */
const LIMITS: readonly [string, number, (n: number) => Partial<InvokeRequest>, string][] = [
  ["token", 6144, (n) => ({ token: long(n) }), "PROFILE_INVALID"],
  ["tokenSignature", 2560, (n) => ({ tokenSignature: long(n) }), "SIGNATURE_INVALID"],
  ["query string", 4096, (n) => ({ httpContext: { ...HTTP, queryString: long(n) } }), "PROFILE_INVALID"],
  [
    "header X-Token",
    8192,
    (n) => ({ httpContext: { ...HTTP, headers: { "X-Token": long(n) } } }),
    "PROFILE_INVALID",
  ],
  ["username", 65_535, (n) => ({ mqttContext: { ...MQTT, username: long(n) } }), "USERNAME_MALFORMED"],
  ["password", 65_535, (n) => ({ mqttContext: { ...MQTT, password: long(n) } }), "PROFILE_INVALID"],
  ["clientId", 65_535, (n) => ({ mqttContext: { ...MQTT, clientId: "x".repeat(n) } }), "CLIENT_ID_INVALID"],
  ["server name", 253, (n) => ({ tlsContext: { serverName: "x".repeat(n) } }), "PROFILE_INVALID"],
];

test.each(LIMITS)("%s: at most %i", (field, max, fields, cause) => {
  expect(limitBreach("fleet", { ...EMPTY_REQUEST, ...fields(max) })).toBeNull();
  const breach = limitBreach("fleet", { ...EMPTY_REQUEST, ...fields(max + 1) });
  expect(breach).toEqual({ cause, message: expect.stringContaining(`${field} has ${max + 1} `) });
});

test("a character outside the basic plane counts once", () => {
  expect(limitBreach("fleet", { ...EMPTY_REQUEST, token: new Secret("😀".repeat(6144)) })).toBeNull();
});

test("a password counts in bytes, whatever they are", () => {
  const mqttContext = { ...MQTT, password: new Secret(Buffer.alloc(65_535, 0xff)) };
  expect(limitBreach("fleet", { ...EMPTY_REQUEST, mqttContext })).toBeNull();
});

test.each(["a-b_c=", "YWJj%3D", "YWJj\nYWJj", "YWJj===", "=", "é"])("%j is no plain base64", (signature) => {
  const request = { ...EMPTY_REQUEST, tokenSignature: new Secret(signature) };
  const breach = limitBreach("fleet", request);
  expect(breach?.cause).toBe("SIGNATURE_NOT_BASE64");
  expect(breach?.message).not.toContain(signature);
});

test("every plain base64 signature passes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 512 }), (bytes) => {
      const tokenSignature = new Secret(Buffer.from(bytes).toString("base64"));
      expect(limitBreach("fleet", { ...EMPTY_REQUEST, tokenSignature })).toBeNull();
    }),
  );
});

test.each(["", "a b", "a/../b", "x".repeat(129), "über"])("no authorizer can be named %j", (name) => {
  expect(limitBreach(name, EMPTY_REQUEST)?.cause).toBe("AUTHORIZER_NOT_FOUND");
});

test.each(["fleet", "a=b,c@d-e_f", "x".repeat(128)])("an authorizer may be named %j", (name) => {
  expect(limitBreach(name, EMPTY_REQUEST)).toBeNull();
});
