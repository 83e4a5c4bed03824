import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import { CAUSE_CODES, type CauseCode, FAULTS } from "../../src/model/causes.ts";
import { DERIVED_KINDS } from "../../src/model/check.ts";
import type { DeviceContext } from "../../src/model/context.ts";
import type { Facts } from "../../src/model/facts.ts";
import type { Invocation, Json } from "../../src/model/invocation.ts";
import type { Outcome, Transport } from "../../src/model/outcome.ts";
import type { Prediction } from "../../src/model/prediction.ts";
import type { Checked, Preflight } from "../../src/model/preflight.ts";
import { PROTOCOLS } from "../../src/model/profile.ts";
import { TOPIC_ACTIONS, type TopicProof } from "../../src/model/proof.ts";
import { VARIATIONS } from "../../src/model/second-wave.ts";
import { Secret } from "../../src/model/secret.ts";
import { verdictOf } from "../../src/verdict/explain.ts";
import { checkOf, credentialsOf, profileOf, targetOf } from "../support/fixtures.ts";

const PASSWORD = "planted-pa55word/+=";
const TOKEN = "planted.t0ken.value";
const SIGNATURE = "UGxhbnRlZFNpZ25hdHVyZQ==";
const PLANTED = [PASSWORD, TOKEN, SIGNATURE];

/** Text from outside, which may be long and may echo any secret in any usual form. */
const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom(
    ...PLANTED,
    ...PLANTED.map((each) => `bad: ${encodeURIComponent(each)}!`),
    ...PLANTED.map((each) => Buffer.from(each).toString("base64")),
    "x".repeat(2000),
    `${"x".repeat(480)} ${PASSWORD}`,
    "principalId of the function timed out: Lambda failed, access denied",
    "policy documents exceed 2048",
  ),
);
const maybe = <T>(some: fc.Arbitrary<T>) => fc.option(some, { nil: null });
const ms = fc.constantFrom(0, 1, 4000, 4799, 4800, 5000, 9000, 9001, 60_000);
const anyCode: fc.Arbitrary<CauseCode> = fc.constantFrom(...FAULTS.flatMap((fault) => CAUSE_CODES[fault]));

const transport: fc.Arbitrary<Transport> = fc.record({
  address: maybe(fc.constant("127.0.0.1")),
  tls: maybe(
    fc.record({ version: fc.constant("TLSv1.3"), cipher: text, alpn: maybe(fc.constantFrom("mqtt", "h2")) }),
  ),
  certificateExpiresAtMs: maybe(fc.integer()),
  packets: fc.constant([]),
  phasesMs: fc.record({ tls: ms, connack: ms, response: ms, upgrade: ms }, { requiredKeys: [] }),
  durationMs: ms,
  delayMs: fc.constantFrom(0, 6000),
  startedAtMs: fc.nat(),
});

const unanswered: fc.Arbitrary<Outcome> = fc.record({
  kind: fc.constantFrom("unreachable", "broken"),
  cause: anyCode,
  code: maybe(fc.nat(255)),
  reason: text,
  transport,
  tlsAlert: fc.boolean(),
});

const outcome: fc.Arbitrary<Outcome> = fc.oneof(
  fc.record({
    kind: fc.constant("accepted" as const),
    transport,
    code: fc.constantFrom(0, 200),
    sessionPresent: maybe(fc.boolean()),
    topics: fc.constant([]),
  }),
  fc.record({
    kind: fc.constant("refused" as const),
    how: fc.constantFrom("code", "status", "closed"),
    code: maybe(fc.constantFrom(2, 4, 5, 7, 128, 133, 134, 135, 401, 403)),
    reason: maybe(text),
    transport,
  }),
  unanswered,
  fc.record({ kind: fc.constant("skipped" as const), cause: anyCode, reason: text }),
);

const answer = fc.record({
  isAuthenticated: fc.boolean(),
  principalId: maybe(text),
  policyDocuments: fc.oneof(
    fc.array(fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>, { maxLength: 12 }),
    fc.constant<Json[]>([{ Statement: { Effect: "Allow", Condition: { [PASSWORD]: { [TOKEN]: "x" } } } }]),
  ),
  policyHash: maybe(text),
  refreshAfterSeconds: maybe(fc.constantFrom(60, 300, 90_000)),
  disconnectAfterSeconds: maybe(fc.constantFrom(60, 300, 90_000)),
});

const invocation: fc.Arbitrary<Invocation> = fc.oneof(
  fc.record({
    kind: fc.constantFrom("allowed", "denied"),
    authorizer: text,
    answer,
    durationMs: ms,
    delayMs: fc.constantFrom(0, 6000),
    requestId: maybe(text),
  }),
  fc.record({ kind: fc.constant("no-authorizer" as const), evidence: text }),
  fc.record({
    kind: fc.constant("errored" as const),
    why: fc.constantFrom("caller", "throttled", "service", "signature", "response"),
    cause: anyCode,
    authorizer: maybe(text),
    code: text,
    message: text,
    durationMs: maybe(ms),
    delayMs: fc.constantFrom(0, 6000),
    requestId: maybe(text),
  }),
  fc.record({
    kind: fc.constant("skipped" as const),
    why: fc.constantFrom("client-certificate", "not-selected"),
  }),
);

const prediction: fc.Arbitrary<Prediction> = fc.record({
  decision: fc.constantFrom("allow", "deny", "unknown"),
  by: fc.constantFrom("explicit-deny", "implicit-deny", "allow", null),
  document: maybe(fc.nat(3)),
  statement: maybe(fc.nat(3)),
  undecided: maybe(text),
});

function checked<T>(value: fc.Arbitrary<T>): fc.Arbitrary<Checked<T>> {
  return fc.oneof(
    fc.record({ kind: fc.constant("known" as const), value }),
    fc.record({ kind: fc.constant("not-checked" as const), reason: text }),
  );
}

const preflight: fc.Arbitrary<Preflight> = fc.record({
  authorizer: checked(
    maybe(
      fc.record({
        name: text,
        active: fc.boolean(),
        signing: fc.boolean(),
        tokenKeyName: maybe(fc.constantFrom("x-token", "X-Token", PASSWORD)),
        publicKeys: fc.constant({ k1: "no PEM" }),
      }),
    ),
  ),
  domain: checked(
    maybe(
      fc.record({
        name: text,
        domainName: maybe(text),
        enabled: fc.boolean(),
        defaultAuthorizer: maybe(text),
        allowAuthorizerOverride: fc.boolean(),
        authenticationType: fc.constantFrom("DEFAULT", "CUSTOM_AUTH", "CUSTOM_AUTH_X509", "AWS_SIGV4", "NEW"),
        applicationProtocol: fc.constantFrom("DEFAULT", "SECURE_MQTT", "MQTT_WSS", "HTTPS", "NEW"),
        invalidCertificates: fc.array(text, { maxLength: 2 }),
      }),
    ),
  ),
  accountEndpoint: checked(text),
  clockSkewMs: checked(fc.constantFrom(0, 299_000, -400_000, 4_000_000)),
});

const proof: fc.Arbitrary<TopicProof> = fc.record({
  test: fc.record({
    action: fc.constantFrom(...TOPIC_ACTIONS),
    topic: text,
    expected: fc.constantFrom("allow", "deny"),
  }),
  predicted: prediction,
  gateway: fc.constantFrom("allowed", "denied", "unanswered", "not-tried"),
  evidence: text,
});

const username = fc.constantFrom(
  null,
  "login",
  `login?x-amz-customauthorizer-name=a&x-amz-customauthorizer-signature=${SIGNATURE}&x-token=${TOKEN}`,
  `login?a=b?SDK=x&x-amz-customauthorizer-signature=a%252Bb`,
);

const certificate = { cert: new Secret("CERT-cert-CERT"), key: new Secret("KEY-key-KEY") };

const setting = fc.record({
  protocol: fc.constantFrom(...PROTOCOLS),
  mqttVersion: fc.constantFrom(4 as const, 5 as const),
  access: fc.constantFrom("allow" as const, "deny" as const),
  derived: maybe(fc.constantFrom(...DERIVED_KINDS)),
  identity: fc.constantFrom("dedicated" as const, "device" as const),
  clientId: fc.constantFrom("pump-1", "$GEN/1", "x".repeat(129)),
  username,
  hasToken: fc.boolean(),
  hasContext: fc.boolean(),
  hasCertificate: fc.boolean(),
  cleanSession: fc.boolean(),
  alpn: fc.constantFrom(null, [], ["mqtt"], ["x-amzn-mqtt-ca"], ["http/1.1"]),
  serverName: fc.constantFrom(null, "", "other.example.com", "127.0.0.1"),
  endpoint: fc.constantFrom("a1-ats.iot.eu-west-1.amazonaws.com", "a1.iot.eu-west-1.amazonaws.com"),
  port: fc.constantFrom(443, 8443, 8883),
  address: maybe(fc.constant("127.0.0.1")),
});

type Setting = typeof setting extends fc.Arbitrary<infer T> ? T : never;

function placed(each: Setting): Pick<Facts, "check" | "target" | "context"> {
  const isRaw = each.username?.includes("?") === true;
  const profile = profileOf({
    protocols: [each.protocol],
    mqttVersion: each.mqttVersion,
    clientId: each.clientId,
    identity: each.identity,
    topic: "smoke/x",
    authorizer: isRaw ? null : "fleet",
    connect: {
      cleanSession: each.cleanSession,
      sessionExpirySeconds: 0,
      keepAliveSeconds: 60,
      sessionStated: true,
      will: each.cleanSession ? null : { topic: "smoke/gone", payload: "", qos: 0 },
    },
    tls: { ...profileOf().tls, alpn: each.alpn, serverName: each.serverName },
  });
  const check = checkOf(
    { protocol: each.protocol, expectation: each.access, derived: each.derived },
    profile,
  );
  const target = targetOf({ endpoint: each.endpoint, port: each.port, address: each.address });
  const token = {
    kind: "value",
    key: "x-token",
    value: new Secret(TOKEN),
    signature: new Secret(SIGNATURE),
  } as const;
  const credentials = credentialsOf({
    username: each.username === null ? null : new Secret(each.username),
    password: new Secret(PASSWORD),
    headers: { "x-more": new Secret(TOKEN), "x-sign": new Secret(SIGNATURE) },
    token: each.hasToken && !isRaw ? token : null,
    clientCertificate: each.hasCertificate ? certificate : null,
  });
  const built = buildContext(profile, each.protocol, credentials, target);
  const context: DeviceContext | null = "kind" in built || !each.hasContext ? null : built;
  return { check, target, context };
}

/** Any combination of what the parts can say, sensible or not. */
const facts: fc.Arbitrary<Facts> = fc
  .record({
    setting,
    rest: fc.record({
      authorizer: fc.constantFrom(
        null,
        { kind: "known", name: "fleet", from: "device" } as const,
        { kind: "none", evidence: "neither has one" } as const,
      ),
      invocation,
      prediction,
      lesser: fc.record({ willAndSession: maybe(prediction), conditions: maybe(prediction) }),
      outcome,
      preflight,
      topics: fc.array(proof, { maxLength: 4 }),
      secondAttempts: fc.array(fc.record({ variation: fc.constantFrom(...VARIATIONS), outcome }), {
        maxLength: 3,
      }),
      guard: fc.constant(null),
      closeConfirmed: fc.boolean(),
      nowMs: fc.constantFrom(0, Date.UTC(2026, 10, 23)),
    }),
  })
  .map(({ setting: each, rest }) => ({ ...placed(each), ...rest }));

describe("whatever was gathered about a check", () => {
  it("gives a verdict, with causes exactly where it is no pass, each once", () => {
    fc.assert(
      fc.property(facts, (each) => {
        const { kind, causes } = verdictOf(each);
        expect(causes.length > 0).toBe(kind !== "pass");
        const codes = causes.map(({ code }) => code);
        expect(new Set(codes).size).toBe(codes.length);
      }),
      { numRuns: 600 },
    );
  });

  it("shows evidence that is short and holds no secret", () => {
    fc.assert(
      fc.property(facts, (each) => {
        // Without a context nothing is known that would have to be masked; nothing was sent either.
        fc.pre(each.context !== null);
        for (const { evidence } of verdictOf(each).causes) {
          expect(evidence.length).toBeLessThanOrEqual(500);
          for (const secret of PLANTED) expect(evidence).not.toContain(secret);
        }
      }),
      { numRuns: 600 },
    );
  });

  it("never takes what did not reach an answer for a fail of a device that has to stay out", () => {
    fc.assert(
      fc.property(facts, unanswered, ({ check, ...rest }, ended) => {
        const stayingOut = { ...check, expectation: "deny", derived: null } as const;
        expect(verdictOf({ ...rest, check: stayingOut, outcome: ended }).kind).toBe("inconclusive");
      }),
      { numRuns: 300 },
    );
  });
});
