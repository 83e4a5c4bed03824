import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import type { Facts } from "../../src/model/facts.ts";
import type { Invocation, Json } from "../../src/model/invocation.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { Credentials, Profile } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import { verdictOf } from "../../src/verdict/explain.ts";
import {
  ACCEPTED,
  answered,
  CLOSED,
  checkOf,
  credentialsOf,
  errored,
  NOTHING_MORE,
  predicted,
  preflightOf,
  profileOf,
  REFUSED,
  TRANSPORT,
  targetOf,
  unreachable,
} from "../support/fixtures.ts";

interface Case extends Partial<Omit<Facts, "check" | "context" | "target">> {
  readonly profile?: Partial<Profile>;
  readonly credentials?: Partial<Credentials>;
  readonly target?: Partial<ReadyTarget>;
}

function factsOf({ profile = {}, credentials = {}, target = {}, ...changes }: Case): Facts {
  const check = checkOf({}, { authorizer: "fleet", ...profile });
  const ready = targetOf(target);
  const login = { username: new Secret("login"), password: new Secret("pa55word") };
  const context = buildContext(
    check.profile,
    check.protocol,
    credentialsOf({ ...login, ...credentials }),
    ready,
  );
  if ("kind" in context) throw new Error(context.reason);
  return {
    check,
    target: ready,
    context,
    invocation: answered("allowed"),
    prediction: predicted("allow"),
    outcome: ACCEPTED,
    ...NOTHING_MORE,
    closeConfirmed: true,
    nowMs: 0,
    ...changes,
  };
}

function codesOf(facts: Case): string[] {
  return verdictOf(factsOf(facts)).causes.map(({ code }) => code);
}

const TLS = profileOf().tls;
const NO_ALPN = { profile: { tls: { ...TLS, alpn: [] } } } as const;
const CERTIFICATE = { clientCertificate: { cert: new Secret("CERT"), key: new Secret("KEY") } };

describe("a second attempt", () => {
  const wrong = { ...NO_ALPN, outcome: CLOSED, prediction: predicted("deny") };
  const tried = (outcome: Outcome): Case => ({
    ...wrong,
    secondAttempts: [{ variation: "alpn-mqtt", outcome }],
  });

  it("that got in leads before everything else, with the evidence of both", () => {
    const { causes } = verdictOf(factsOf(tried(ACCEPTED)));
    expect(causes[0]).toMatchObject({
      code: "ALPN_MISSING",
      evidence: "no ALPN was offered; with ALPN mqtt the same device got in",
    });
    expect(causes.map(({ code }) => code)).toEqual(["ALPN_MISSING", "POLICY_CONNECT_DENIED"]);
  });

  it("that ended the same way puts its suspicion behind what explains more", () => {
    const { causes } = verdictOf(factsOf(tried(CLOSED)));
    expect(causes.map(({ code }) => code)).toEqual(["POLICY_CONNECT_DENIED", "ALPN_MISSING"]);
    expect(causes[1]?.evidence).toContain("with ALPN mqtt it was kept out just the same");
  });

  it("that ended the same way leaves a lone suspicion behind 'unexplained'", () => {
    const lone = { ...tried(CLOSED), prediction: predicted("allow") };
    expect(codesOf(lone)).toEqual(["GATEWAY_REFUSED_UNEXPLAINED", "ALPN_MISSING"]);
  });

  it("that ended in another way says neither", () => {
    expect(codesOf(tried(REFUSED))[0]).toBe("ALPN_MISSING");
    expect(codesOf(tried(unreachable()))[0]).toBe("ALPN_MISSING");
  });

  it.each([
    ["no-client-certificate", "CLIENT_CERTIFICATE_UNEXPECTED"],
    ["signature-encoding", "SIGNATURE_URL_ENCODING"],
    ["endpoint-server-name", "SNI_MISMATCH"],
    ["clean-session-no-will", "POLICY_WILL_OR_SESSION"],
  ] as const)("%s that got in proves %s, also where nothing hinted at it", (variation, code) => {
    const facts = { outcome: REFUSED, secondAttempts: [{ variation, outcome: ACCEPTED }] };
    expect(codesOf(facts)).toEqual([code]);
  });

  it("with ALPN mqtt proves the certificate path where the device offered that", () => {
    const profile = { tls: { ...TLS, alpn: ["x-amzn-mqtt-ca"] } };
    const secondAttempts = [{ variation: "alpn-mqtt", outcome: ACCEPTED }] as const;
    expect(codesOf({ profile, outcome: CLOSED, secondAttempts })).toEqual(["PORT_BYPASSES_AUTHORIZER"]);
  });
});

describe("how the connection ended", () => {
  it("comes after a flaw that can explain it", () => {
    const reset = { ...NO_ALPN, outcome: unreachable("GATEWAY_RESET") };
    expect(codesOf(reset)).toEqual(["ALPN_MISSING", "GATEWAY_RESET"]);
    const alert = { profile: { tls: { ...TLS, serverName: "" } }, outcome: unreachable("TLS_FAILED", true) };
    expect(codesOf(alert).slice(0, 2)).toEqual(["SNI_MISMATCH", "TLS_FAILED"]);
  });

  it("before TLS began has nothing to do with how the device connects", () => {
    const transport = { ...TRANSPORT, tls: null, phasesMs: { dns: 1, tcp: 2 } };
    const cut = { ...unreachable("GATEWAY_RESET"), transport } as Outcome;
    expect(codesOf({ ...NO_ALPN, outcome: cut })).toEqual(["GATEWAY_RESET"]);
  });

  it("comes before what cannot have spoilt a handshake", () => {
    const facts = { outcome: unreachable("TLS_FAILED", true), invocation: answered("denied") };
    expect(codesOf(facts)).toEqual(["TLS_FAILED", "AUTHORIZER_DENIED_EXPECTED_ALLOW"]);
  });

  it.each(["DNS_FAILED", "TCP_REFUSED", "GATEWAY_TIMEOUT", "GATEWAY_THROTTLED"] as const)(
    "%s is not blamed on the device's way in",
    (cause) => expect(codesOf({ ...NO_ALPN, outcome: unreachable(cause) })[0]).toBe(cause),
  );

  it("as a close that nothing confirmed comes after what explains a close", () => {
    const facts = { outcome: CLOSED, closeConfirmed: false, prediction: predicted("deny") };
    expect(codesOf(facts)).toEqual(["POLICY_CONNECT_DENIED", "GATEWAY_CLOSED_UNCONFIRMED"]);
  });

  it("as a code that may have many reasons comes after every reason found", () => {
    const facts = {
      profile: { mqttVersion: 5 },
      outcome: { ...REFUSED, code: 0x86 },
      prediction: predicted("deny"),
    } as Case;
    expect(codesOf(facts)).toEqual(["POLICY_CONNECT_DENIED", "CREDENTIAL_REJECTED"]);
  });
});

describe("the certificate path", () => {
  const onIt = { profile: { tls: { ...TLS, alpn: ["x-amzn-mqtt-ca"] } }, credentials: CERTIFICATE };

  it("makes an accepted device inconclusive: its authorizer was not asked", () => {
    const { kind, causes } = verdictOf(factsOf(onIt));
    expect(kind).toBe("inconclusive");
    expect(causes.map(({ code }) => code)).toEqual(["PORT_BYPASSES_AUTHORIZER"]);
  });

  it("leads where gateway and authorizer disagree", () => {
    const codes = codesOf({ ...onIt, invocation: answered("denied") });
    expect(codes.slice(0, 2)).toEqual(["PORT_BYPASSES_AUTHORIZER", "AUTHORIZER_GATEWAY_DISAGREE"]);
  });

  it("comes later where a device got in that had to stay out", () => {
    const expectation = { ...profileOf().expect, access: "deny" } as const;
    const codes = codesOf({ ...onIt, profile: { ...onIt.profile, expect: expectation } });
    expect(codes[0]).toBe("UNEXPECTED_ACCEPT");
    expect(codes).toContain("PORT_BYPASSES_AUTHORIZER");
  });

  it("is no bypass where the domain says itself what it takes", () => {
    const domain = {
      name: "devices",
      domainName: null,
      enabled: true,
      defaultAuthorizer: null,
      allowAuthorizerOverride: true,
      authenticationType: "CUSTOM_AUTH_X509",
      applicationProtocol: "SECURE_MQTT",
      invalidCertificates: [],
    };
    const preflight = preflightOf({ domain: { kind: "known", value: domain } });
    expect(verdictOf(factsOf({ ...onIt, preflight })).kind).toBe("pass");
  });

  it("is a port only where AWS's own is dialled", () => {
    expect(codesOf({ target: { port: 8883 } })).toEqual(["PORT_BYPASSES_AUTHORIZER"]);
    expect(codesOf({ target: { port: 8883, address: "127.0.0.1" } })).toEqual([]);
  });
});

describe("a lost ALPN", () => {
  const without = { ...TRANSPORT, tls: { version: "TLSv1.3", cipher: "X", alpn: null } };

  it("is a hint at a middlebox where the connection came to nothing", () => {
    expect(codesOf({ outcome: { ...CLOSED, transport: without } as Outcome })).toEqual(["TLS_FAILED"]);
  });

  it("says nothing where the gateway answered", () => {
    const refused = { ...REFUSED, transport: without } as Outcome;
    expect(codesOf({ outcome: refused })).toEqual(["GATEWAY_REFUSED_UNEXPLAINED"]);
  });
});

describe("what became of the function", () => {
  const saying = (
    message: string,
    more: Partial<Extract<Invocation, { kind: "errored" }>> = {},
  ): Invocation =>
    ({ ...errored("response", "AUTHORIZER_RESPONSE_INVALID"), message, ...more }) as Invocation;

  it.each([
    ["Lambda is not authorized to be invoked", {}, "AUTHORIZER_PERMISSION_MISSING"],
    ["Task timed out after 5.00 seconds", {}, "AUTHORIZER_TIMEOUT"],
    ["Invalid response", { durationMs: 5100 }, "AUTHORIZER_TIMEOUT"],
    ["Internal error", { why: "service", cause: "API_UNAVAILABLE", durationMs: 5050 }, "AUTHORIZER_TIMEOUT"],
    ["The Lambda function returned an error", {}, "AUTHORIZER_ERROR"],
    ["principalId must match [a-zA-Z0-9]+", {}, "PRINCIPAL_ID_INVALID"],
    ["a policy document exceeds the limit", {}, "POLICY_DOCUMENT_LIMIT"],
    ["refreshAfterInSeconds is out of range", {}, "REFRESH_OR_DISCONNECT_RANGE"],
    ["Invalid response", {}, "AUTHORIZER_RESPONSE_INVALID"],
    ["Invalid response", { durationMs: 12_000 }, "AUTHORIZER_RESPONSE_INVALID"],
  ] as const)("is read from %j, %o: %s", (message, more, code) => {
    expect(codesOf({ outcome: REFUSED, invocation: saying(message, more) })[0]).toBe(code);
  });

  it.each([
    ["our own permission", errored("caller", "CALLER_PERMISSION_MISSING")],
    ["the quota", errored("throttled", "API_THROTTLED")],
    ["our own deadline", { ...errored("service", "API_TIMEOUT"), durationMs: 5000 } as Invocation],
  ])("is not read from %s", (_what, invocation) => {
    const told = { ...invocation, message: "not authorized: lambda timed out" } as Invocation;
    expect(codesOf({ outcome: REFUSED, invocation: told })[0]).toBe("GATEWAY_REFUSED_UNEXPLAINED");
  });

  it("shows in a gateway that refuses after 5 s, though the API was quick", () => {
    const late = { ...REFUSED, transport: { ...TRANSPORT, phasesMs: { connack: 5010 } } } as Outcome;
    const { causes } = verdictOf(factsOf({ outcome: late }));
    expect(causes.map(({ code }) => code)).toEqual(["AUTHORIZER_TIMEOUT"]);
    expect(causes[0]?.evidence).toBe("the gateway refused after 5.0 s; the function has 5 s");
  });

  it("is suspected where the API's own answer took nearly 5 s", () => {
    const slow = { ...answered("allowed"), durationMs: 4600 };
    expect(codesOf({ outcome: CLOSED, invocation: slow })).toEqual(["AUTHORIZER_TIMEOUT"]);
    expect(codesOf({ outcome: ACCEPTED, invocation: slow })).toEqual([]);
  });
});

describe("what a policy hangs on", () => {
  const documents: readonly Json[] = [
    {
      Statement: [
        { Effect: "Allow", Condition: { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } } },
        { Effect: "Deny", Condition: { Bool: { "iot:Connection.Thing.IsAttached": "false" } } },
      ],
    },
  ];
  const invocation = answered("allowed", { policyDocuments: documents });

  it("is the condition, where it would allow without; its keys are named, not its values", () => {
    const lesser = { willAndSession: null, conditions: predicted("allow") };
    const { causes } = verdictOf(
      factsOf({ outcome: REFUSED, invocation, prediction: predicted("unknown"), lesser }),
    );
    expect(causes[0]?.code).toBe("POLICY_CONDITION");
    expect(causes[0]?.evidence).toContain("IpAddress aws:SourceIp, Bool iot:Connection.Thing.IsAttached");
    expect(causes[0]?.evidence).not.toContain("203.0.113");
  });

  it("is the will or the session rather than a condition on them", () => {
    const lesser = { willAndSession: predicted("allow"), conditions: predicted("allow") };
    const profile = { connect: { ...profileOf().connect, cleanSession: false } };
    const facts = { profile, outcome: REFUSED, invocation, prediction: predicted("deny"), lesser };
    expect(codesOf(facts)).toEqual(["POLICY_WILL_OR_SESSION"]);
  });

  it("is not guessed at for a device that got in", () => {
    const lesser = { willAndSession: null, conditions: predicted("allow") };
    expect(codesOf({ invocation, prediction: predicted("unknown"), lesser })).toEqual([]);
  });

  it("is the plain statement where neither changes anything", () => {
    const lesser = { willAndSession: predicted("deny"), conditions: predicted("deny") };
    const facts = { outcome: REFUSED, invocation, prediction: predicted("deny"), lesser };
    expect(codesOf(facts)).toEqual(["POLICY_CONNECT_DENIED"]);
  });
});

describe("an authorizer that says no", () => {
  it("is told what its event held that such functions trip over", () => {
    const username = new Secret("login?x-amz-customauthorizer-name=fleet");
    const { causes } = verdictOf(
      factsOf({
        profile: { authorizer: null },
        credentials: { username },
        outcome: REFUSED,
        invocation: answered("denied"),
      }),
    );
    expect(causes[0]?.evidence).toBe(
      "fleet answered isAuthenticated false; its event held the user name with its '?…' suffix and the password in base64",
    );
  });
});
