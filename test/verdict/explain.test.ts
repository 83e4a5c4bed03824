import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import type { DeviceContext } from "../../src/model/context.ts";
import type { Facts } from "../../src/model/facts.ts";
import type { Credentials, Profile } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import { verdictOf } from "../../src/verdict/explain.ts";
import {
  ACCEPTED,
  answered,
  BROKEN,
  CLOSED,
  checkOf,
  credentialsOf,
  errored,
  GUARDED,
  NOTHING_MORE,
  predicted,
  REFUSED,
  targetOf,
  unreachable,
} from "../support/fixtures.ts";

interface Case extends Partial<Omit<Facts, "check" | "context" | "target">> {
  readonly profile?: Partial<Profile>;
  readonly credentials?: Partial<Credentials>;
  readonly target?: Partial<ReadyTarget>;
}

const NOW = Date.UTC(2026, 10, 23);

function factsOf({ profile = {}, credentials = {}, target = {}, ...changes }: Case): Facts {
  const check = checkOf({}, { authorizer: "fleet", topic: "smoke/x", ...profile });
  const ready = targetOf(target);
  const context = buildContext(
    check.profile,
    check.protocol,
    credentialsOf({ username: new Secret("login"), password: new Secret("pa55word"), ...credentials }),
    ready,
  );
  if ("kind" in context) throw new Error(context.reason);
  return {
    check,
    target: ready,
    context: context satisfies DeviceContext,
    invocation: answered("allowed"),
    prediction: predicted("allow"),
    outcome: ACCEPTED,
    ...NOTHING_MORE,
    closeConfirmed: true,
    nowMs: NOW,
    ...changes,
  };
}

function token(value: string, signature: string): Partial<Credentials> {
  return {
    token: { kind: "value", key: "x-token", value: new Secret(value), signature: new Secret(signature) },
  };
}

function jwtExpiring(at: number): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  return `${part({ alg: "RS256" })}.${part({ exp: at / 1000 })}`;
}

const TLS = {
  serverName: null,
  alpn: null,
  certFile: null,
  keyFile: null,
  minVersion: null,
  maxVersion: null,
  groups: null,
};
const EXPECT = checkOf().profile.expect;
const V5 = { mqttVersion: 5 } as const;
const refusedWith = (code: number) => ({ ...REFUSED, code }) as Facts["outcome"];

/** Typical facts, and the cause that must come first. */
const CASES: readonly (readonly [what: string, verdict: string, first: string | null, facts: Case])[] = [
  ["all is well", "pass", null, {}],
  ["all is well over https", "pass", null, { profile: { protocols: ["https"] } }],
  ["a flaw that keeps nobody out", "pass", null, { profile: { tls: { ...TLS, alpn: [] } } }],
  ["the policy is undecidable but the device gets in", "pass", null, { prediction: predicted("unknown") }],
  [
    "the authorizer says no",
    "fail",
    "AUTHORIZER_DENIED_EXPECTED_ALLOW",
    { invocation: answered("denied"), outcome: REFUSED },
  ],
  [
    "the policy says no",
    "fail",
    "POLICY_CONNECT_DENIED",
    { prediction: predicted("deny"), outcome: REFUSED },
  ],
  [
    "the policy says no, shown by a close",
    "fail",
    "POLICY_CONNECT_DENIED",
    { prediction: predicted("deny"), outcome: CLOSED },
  ],
  [
    "the policy forbids the publish",
    "fail",
    "POLICY_PUBLISH_DENIED",
    { profile: { protocols: ["https"] }, prediction: predicted("deny"), outcome: REFUSED },
  ],
  ["nothing explains the refusal", "fail", "GATEWAY_REFUSED_UNEXPLAINED", { outcome: REFUSED }],
  [
    "the policy cannot be evaluated",
    "fail",
    "GATEWAY_REFUSED_UNEXPLAINED",
    { outcome: REFUSED, prediction: predicted("unknown") },
  ],
  [
    "we may not ask the API",
    "fail",
    "GATEWAY_REFUSED_UNEXPLAINED",
    { outcome: REFUSED, invocation: errored("caller", "CALLER_PERMISSION_MISSING") },
  ],
  [
    "the API throttled us",
    "fail",
    "GATEWAY_REFUSED_UNEXPLAINED",
    { outcome: REFUSED, invocation: errored("throttled", "API_THROTTLED") },
  ],
  [
    "the API is down",
    "fail",
    "GATEWAY_REFUSED_UNEXPLAINED",
    { outcome: REFUSED, invocation: errored("service", "API_UNAVAILABLE") },
  ],
  [
    "we may not ask the API and the device gets in",
    "inconclusive",
    "CALLER_PERMISSION_MISSING",
    { invocation: errored("caller", "CALLER_PERMISSION_MISSING") },
  ],
  [
    "the signature is wrong",
    "fail",
    "SIGNATURE_INVALID",
    {
      outcome: REFUSED,
      invocation: errored("signature", "SIGNATURE_INVALID"),
      credentials: token("t", "YWJj"),
    },
  ],
  [
    "the signature is base64url",
    "fail",
    "SIGNATURE_NOT_BASE64",
    {
      outcome: REFUSED,
      invocation: errored("signature", "SIGNATURE_INVALID"),
      credentials: token("t", "a-_b"),
    },
  ],
  [
    "the raw username's signature is not URL-encoded",
    "fail",
    "SIGNATURE_URL_ENCODING",
    {
      outcome: CLOSED,
      profile: { authorizer: null },
      credentials: {
        username: new Secret("u?x-amz-customauthorizer-name=a&x-amz-customauthorizer-signature=a+b/&k=t"),
      },
    },
  ],
  [
    "the raw username's signature is encoded twice",
    "fail",
    "SIGNATURE_URL_ENCODING",
    {
      outcome: CLOSED,
      profile: { authorizer: null },
      credentials: {
        username: new Secret("u?x-amz-customauthorizer-name=a&x-amz-customauthorizer-signature=a%252Bb&k=t"),
      },
    },
  ],
  [
    "the raw username has two question marks",
    "fail",
    "USERNAME_MALFORMED",
    {
      outcome: CLOSED,
      profile: { authorizer: null },
      credentials: { username: new Secret("u?x-amz-customauthorizer-name=a&k=t?SDK=x") },
    },
  ],
  [
    "the token has expired",
    "fail",
    "TOKEN_EXPIRED",
    { outcome: REFUSED, invocation: answered("denied"), credentials: token(jwtExpiring(NOW - 1000), "YWJj") },
  ],
  [
    "the token is still good",
    "fail",
    "AUTHORIZER_DENIED_EXPECTED_ALLOW",
    { outcome: REFUSED, invocation: answered("denied"), credentials: token(jwtExpiring(NOW + 1000), "YWJj") },
  ],
  [
    "the client id is too long",
    "fail",
    "CLIENT_ID_INVALID",
    { outcome: CLOSED, profile: { clientId: "x".repeat(129) } },
  ],
  [
    "the gateway had assigned the client id",
    "fail",
    "CLIENT_ID_INVALID",
    { outcome: CLOSED, profile: { clientId: "$GEN/1" } },
  ],
  [
    "CONNACK says the client id is not valid",
    "fail",
    "CLIENT_ID_INVALID",
    { outcome: refusedWith(0x85), profile: V5 },
  ],
  [
    "CONNACK says bad user name or password",
    "fail",
    "CREDENTIAL_REJECTED",
    { outcome: refusedWith(0x86), profile: V5 },
  ],
  [
    "ALPN is missing and the gateway hangs up",
    "fail",
    "ALPN_MISSING",
    { outcome: CLOSED, profile: { tls: { ...TLS, alpn: [] } } },
  ],
  [
    "ALPN is wrong and TLS is refused",
    "inconclusive",
    "ALPN_MISSING",
    { outcome: unreachable("TLS_FAILED", true), profile: { tls: { ...TLS, alpn: ["http/1.1"] } } },
  ],
  [
    "the ALPN of the certificate path",
    "fail",
    "PORT_BYPASSES_AUTHORIZER",
    { outcome: CLOSED, profile: { tls: { ...TLS, alpn: ["x-amzn-mqtt-ca"] } } },
  ],
  [
    "the same port of a stand-in says nothing",
    "fail",
    "GATEWAY_REFUSED_UNEXPLAINED",
    { outcome: CLOSED, target: { port: 8443, address: "127.0.0.1" } },
  ],
  [
    "the port of the certificate path",
    "fail",
    "PORT_BYPASSES_AUTHORIZER",
    { outcome: CLOSED, target: { port: 8883 } },
  ],
  ["no SNI", "fail", "SNI_MISMATCH", { outcome: CLOSED, profile: { tls: { ...TLS, serverName: "" } } }],
  [
    "another SNI",
    "fail",
    "SNI_MISMATCH",
    { outcome: CLOSED, profile: { tls: { ...TLS, serverName: "b2-ats.iot.eu-west-1.amazonaws.com" } } },
  ],
  [
    "MQTT 5 on the legacy endpoint",
    "fail",
    "LEGACY_ENDPOINT",
    { outcome: CLOSED, profile: V5, target: { endpoint: "a1.iot.eu-west-1.amazonaws.com" } },
  ],
  [
    "principalId with a dash",
    "fail",
    "PRINCIPAL_ID_INVALID",
    { outcome: CLOSED, invocation: answered("allowed", { principalId: "a-b" }) },
  ],
  [
    "eleven policy documents",
    "fail",
    "POLICY_DOCUMENT_LIMIT",
    { outcome: CLOSED, invocation: answered("allowed", { policyDocuments: Array(11).fill({}) }) },
  ],
  [
    "a policy document that is too long",
    "fail",
    "POLICY_DOCUMENT_LIMIT",
    { outcome: CLOSED, invocation: answered("allowed", { policyDocuments: ["x".repeat(2049)] }) },
  ],
  [
    "a refresh time out of range",
    "fail",
    "REFRESH_OR_DISCONNECT_RANGE",
    { outcome: CLOSED, invocation: answered("allowed", { refreshAfterSeconds: 60 }) },
  ],
  [
    "no authorizer applies",
    "fail",
    "AUTHORIZER_NOT_FOUND",
    { outcome: REFUSED, invocation: { kind: "no-authorizer", evidence: "neither has one" } },
  ],
  [
    "the authorizer does not exist",
    "fail",
    "AUTHORIZER_NOT_FOUND",
    { outcome: REFUSED, invocation: errored("caller", "AUTHORIZER_NOT_FOUND") },
  ],
  [
    "the API says no and the gateway yes",
    "fail",
    "AUTHORIZER_GATEWAY_DISAGREE",
    { invocation: answered("denied") },
  ],
  [
    "an expired server certificate",
    "fail",
    "SERVER_CERTIFICATE_EXPIRED",
    { outcome: unreachable("SERVER_CERTIFICATE_EXPIRED") },
  ],
  ["a time-out", "inconclusive", "GATEWAY_TIMEOUT", { outcome: unreachable("GATEWAY_TIMEOUT") }],
  [
    "a time-out of a device that the authorizer refuses",
    "inconclusive",
    "GATEWAY_TIMEOUT",
    { outcome: unreachable("GATEWAY_TIMEOUT"), invocation: answered("denied") },
  ],
  ["a peer that does not speak MQTT", "inconclusive", "GATEWAY_PROTOCOL_VIOLATION", { outcome: BROKEN }],
  [
    "a close that nothing confirmed",
    "inconclusive",
    "GATEWAY_CLOSED_UNCONFIRMED",
    { outcome: CLOSED, closeConfirmed: false },
  ],
  [
    "a guarded device whose policy says no",
    "fail",
    "POLICY_CONNECT_DENIED",
    { outcome: GUARDED, prediction: predicted("deny") },
  ],
  ["a guarded device that would get in", "skipped", "DEVICE_IDENTITY_GUARDED", { outcome: GUARDED }],
  [
    "another principalId than expected",
    "fail",
    "EXPECTATION_MISMATCH",
    { profile: { expect: { ...EXPECT, principalId: "pump2" } } },
  ],
  [
    "a refresh time outside what is expected",
    "fail",
    "EXPECTATION_MISMATCH",
    { profile: { expect: { ...EXPECT, refreshAfterSeconds: [600, 900] } } },
  ],
  [
    "a topic expectation that nobody looked at",
    "inconclusive",
    "TOPIC_UNPROVEN",
    { profile: { expect: { ...EXPECT, publish: { allow: ["a"], deny: [] } } } },
  ],
  [
    "a device that must stay out gets in",
    "fail",
    "UNEXPECTED_ACCEPT",
    { profile: { expect: { ...EXPECT, access: "deny" } } },
  ],
  [
    "a device that must stay out, refused though allowed",
    "inconclusive",
    "AUTHORIZER_ALLOWED_EXPECTED_DENY",
    { profile: { expect: { ...EXPECT, access: "deny" } }, outcome: REFUSED },
  ],
  [
    "a device that must stay out is refused",
    "pass",
    null,
    { profile: { expect: { ...EXPECT, access: "deny" } }, outcome: REFUSED, invocation: answered("denied") },
  ],
];

describe("the verdict and its first cause", () => {
  it.each(CASES.map(([what, verdict, first, facts]) => ({ what, verdict, first, facts })))(
    "$what: $verdict, $first",
    ({ verdict, first, facts }) => {
      const judged = verdictOf(factsOf(facts));
      expect([judged.kind, judged.causes[0]?.code ?? null]).toEqual([verdict, first]);
      for (const cause of judged.causes) {
        expect(cause.evidence).not.toBe("");
        expect(cause.evidence).not.toMatch(/pa55word/);
        expect(cause.nextStep).toMatch(/\.$/);
      }
    },
  );

  it("names a pass's causes never, and every other verdict's always", () => {
    for (const [, , , facts] of CASES) {
      const { kind, causes } = verdictOf(factsOf(facts));
      expect(causes.length > 0).toBe(kind !== "pass");
    }
  });

  it("names no cause twice", () => {
    for (const [, , , facts] of CASES) {
      const codes = verdictOf(factsOf(facts)).causes.map(({ code }) => code);
      expect(new Set(codes).size).toBe(codes.length);
    }
  });
});
