import { generateKeyPairSync, sign } from "node:crypto";
import { describe, expect, it } from "vitest";
import { buildContext } from "../../src/context/build.ts";
import type { CauseCode } from "../../src/model/causes.ts";
import type { Facts } from "../../src/model/facts.ts";
import type { AuthorizerDescription, DomainDescription, Preflight } from "../../src/model/preflight.ts";
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
  preflightOf,
  REFUSED,
  TRANSPORT,
  targetOf,
  unreachable,
} from "../support/fixtures.ts";

interface Case extends Partial<Pick<Facts, "invocation" | "outcome" | "closeConfirmed">> {
  readonly profile?: Partial<Profile>;
  readonly credentials?: Partial<Credentials>;
  readonly target?: Partial<ReadyTarget>;
  readonly described?: Partial<AuthorizerDescription> | null;
  readonly domain?: Partial<DomainDescription> | null;
  readonly preflight?: Partial<Preflight>;
  readonly access?: "allow" | "deny";
}

const OWN = "a1-ats.iot.eu-west-1.amazonaws.com";
const KEY = generateKeyPairSync("rsa", { modulusLength: 2048 });
const OTHER_KEY = generateKeyPairSync("rsa", { modulusLength: 2048 });
const PEM = KEY.publicKey.export({ type: "spki", format: "pem" }).toString();
const OTHER_PEM = OTHER_KEY.publicKey.export({ type: "spki", format: "pem" }).toString();

const OPEN: AuthorizerDescription = {
  name: "fleet",
  active: true,
  signing: false,
  tokenKeyName: null,
  publicKeys: {},
};
const SIGNING = { signing: true, tokenKeyName: "x-token", publicKeys: { old: OTHER_PEM, new: PEM } };
const DOMAIN: DomainDescription = {
  name: "iot:Data-ATS",
  domainName: OWN,
  enabled: true,
  defaultAuthorizer: null,
  allowAuthorizerOverride: true,
  authenticationType: "DEFAULT",
  applicationProtocol: "DEFAULT",
  invalidCertificates: [],
};
const BAD_CERTIFICATE = ["arn:aws:acm:…: INVALID: expired"];

function known<T>(value: T) {
  return { kind: "known", value } as const;
}

const NOT_CHECKED = { kind: "not-checked", reason: "no permission" } as const;

function factsOf(each: Case): Facts {
  const { profile = {}, credentials = {}, target = {}, described = {}, domain = {}, access } = each;
  const { preflight = {}, invocation = answered("allowed"), outcome = REFUSED, closeConfirmed = true } = each;
  const check = checkOf(access ? { expectation: access } : {}, {
    authorizer: "fleet",
    topic: "smoke/x",
    ...profile,
  });
  const ready = targetOf(target);
  const context = buildContext(check.profile, check.protocol, credentialsOf(credentials), ready);
  if ("kind" in context) throw new Error(context.reason);
  const name = check.profile.authorizer ?? context.authorizer;
  return {
    check,
    target: ready,
    context,
    invocation,
    prediction: predicted("allow"),
    outcome,
    ...NOTHING_MORE,
    authorizer: name === null ? null : { kind: "known", name, from: "device" },
    preflight: preflightOf({
      authorizer: known(described === null ? null : { ...OPEN, ...described }),
      domain: known(domain === null ? null : { ...DOMAIN, ...domain }),
      accountEndpoint: known(OWN),
      clockSkewMs: known(0),
      ...preflight,
    }),
    closeConfirmed,
    nowMs: Date.UTC(2026, 10, 23),
  };
}

const TLS = checkOf().profile.tls;

/** A profile with its token, as written and as resolved. */
function token(key: string, value: string, signature: string | null, profile: Partial<Profile> = {}): Case {
  const own = {
    kind: "value",
    key,
    value: new Secret(value),
    signature: signature === null ? null : new Secret(signature),
  } as const;
  return { profile: { token: own, ...profile }, credentials: { token: own } };
}

function signed(value: string, key = KEY): string {
  return sign("sha256", Buffer.from(value), key.privateKey).toString("base64");
}

function raw(suffix: string): Case {
  const username = new Secret(`device?${suffix}`);
  return { profile: { authorizer: null, username }, credentials: { username } };
}

const CERTIFICATE = { cert: new Secret("cert"), key: new Secret("key") };
const inHandshake = (cause: CauseCode): Facts["outcome"] => unreachable(cause);
const beforeHandshake = (cause: CauseCode) =>
  ({ ...unreachable(cause), transport: { ...TRANSPORT, phasesMs: { dns: 1 } } }) as Facts["outcome"];
const refusedAs = (code: number): Facts["outcome"] => ({ ...REFUSED, code }) as Facts["outcome"];

/** What happened, the cause that comes first, and a piece of its evidence. */
const CASES: readonly (readonly [string, CauseCode, string, Case])[] = [
  [
    "an inactive authorizer",
    "AUTHORIZER_INACTIVE",
    "DescribeAuthorizer fleet: status INACTIVE",
    { described: { active: false } },
  ],
  [
    "an inactive authorizer, as a bare close that nothing confirms",
    "AUTHORIZER_INACTIVE",
    "INACTIVE",
    { described: { active: false }, outcome: CLOSED, closeConfirmed: false },
  ],
  [
    "an inactive authorizer, as a word of another meaning",
    "AUTHORIZER_INACTIVE",
    "INACTIVE",
    { described: { active: false }, outcome: refusedAs(0x86) },
  ],
  [
    "an inactive authorizer that the API refuses to ask",
    "AUTHORIZER_INACTIVE",
    "INACTIVE",
    { described: { active: false }, invocation: errored("signature", "CREDENTIAL_REJECTED") },
  ],
  [
    "an inactive authorizer of a device that is left alone",
    "AUTHORIZER_INACTIVE",
    "INACTIVE",
    { described: { active: false }, invocation: answered("denied"), outcome: GUARDED },
  ],
  [
    "an authorizer that is not there",
    "AUTHORIZER_NOT_FOUND",
    "DescribeAuthorizer: account 123456789012 has no authorizer fleet in eu-west-1",
    { described: null, invocation: errored("caller", "AUTHORIZER_NOT_FOUND") },
  ],
  [
    "an authorizer that is not there, where the API was not asked",
    "AUTHORIZER_NOT_FOUND",
    "has no authorizer fleet",
    { described: null, invocation: { kind: "skipped", why: "client-certificate" } },
  ],
  [
    "a name that no authorizer can have",
    "AUTHORIZER_NOT_FOUND",
    "none that an authorizer can have",
    { described: null, profile: { authorizer: "no such/name" } },
  ],
  [
    "a disabled domain",
    "DOMAIN_DISABLED",
    "DescribeDomainConfiguration iot:Data-ATS: status DISABLED",
    { domain: { enabled: false }, outcome: CLOSED, closeConfirmed: false },
  ],
  [
    "a disabled domain that ends the handshake",
    "DOMAIN_DISABLED",
    "DISABLED",
    { domain: { enabled: false }, outcome: unreachable("TLS_FAILED", true) },
  ],
  [
    "MQTT at a domain for WebSocket",
    "DOMAIN_PROTOCOL_MISMATCH",
    "applicationProtocol MQTT_WSS; the device speaks MQTT over TLS",
    {
      domain: { authenticationType: "CUSTOM_AUTH", applicationProtocol: "MQTT_WSS" },
      outcome: unreachable("TLS_FAILED", true),
    },
  ],
  [
    "WebSocket at a domain for MQTT, whose answer is no HTTP",
    "DOMAIN_PROTOCOL_MISMATCH",
    "applicationProtocol SECURE_MQTT; the device speaks MQTT over WebSocket",
    {
      domain: { authenticationType: "CUSTOM_AUTH", applicationProtocol: "SECURE_MQTT" },
      profile: { protocols: ["wss"] },
      outcome: BROKEN,
    },
  ],
  [
    "HTTPS at a domain for WebSocket",
    "DOMAIN_PROTOCOL_MISMATCH",
    "MQTT_WSS; the device speaks HTTPS",
    {
      domain: { authenticationType: "CUSTOM_AUTH", applicationProtocol: "MQTT_WSS" },
      profile: { protocols: ["https"] },
    },
  ],
  [
    "a domain that asks no authorizer",
    "DOMAIN_PROTOCOL_MISMATCH",
    "authenticationType AWS_SIGV4 asks no authorizer",
    { domain: { authenticationType: "AWS_SIGV4", applicationProtocol: "HTTPS" } },
  ],
  [
    "a domain that demands a client certificate too",
    "DOMAIN_PROTOCOL_MISMATCH",
    "CUSTOM_AUTH_X509; the device sends no client certificate",
    { domain: { authenticationType: "CUSTOM_AUTH_X509", applicationProtocol: "SECURE_MQTT" } },
  ],
  [
    "another authorizer than the domain allows",
    "AUTHORIZER_OVERRIDE_DISALLOWED",
    "default authorizer other, allowAuthorizerOverride false; the device names fleet",
    { domain: { defaultAuthorizer: "other", allowAuthorizerOverride: false } },
  ],
  [
    "a token key in another case",
    "TOKEN_KEY_MISMATCH",
    "tokenKeyName x-token; the device sends its token as X-Token, in another case",
    { ...token("X-Token", "t", signed("t")), described: SIGNING },
  ],
  [
    "a token key with other dashes, without signing",
    "TOKEN_KEY_MISMATCH",
    "the device sends its token as x_token, with other dashes",
    { ...token("x_token", "t", null), described: { tokenKeyName: "x-token" } },
  ],
  [
    "another token key as a header",
    "TOKEN_KEY_MISMATCH",
    "sends its token as jwt",
    { ...token("jwt", "t", signed("t"), { protocols: ["https"] }), described: SIGNING },
  ],
  [
    "another token key inside a raw user name",
    "TOKEN_KEY_MISMATCH",
    "sends its token as XToken, with other dashes",
    {
      ...raw(
        `x-amz-customauthorizer-name=fleet&x-amz-customauthorizer-signature=${encodeURIComponent(signed("t"))}&XToken=t`,
      ),
      described: SIGNING,
    },
  ],
  [
    "something else inside a raw user name, which is not shown",
    "TOKEN_KEY_MISMATCH",
    "sends its token as something no key can be called",
    {
      ...raw(
        `x-amz-customauthorizer-name=fleet&x-amz-customauthorizer-signature=${encodeURIComponent(signed("t"))}&pa$$word!=t`,
      ),
      described: SIGNING,
    },
  ],
  [
    "a signature by a key that is not listed",
    "SIGNATURE_INVALID",
    "DescribeAuthorizer fleet: signing is on; the signature verifies with none of its public keys (new)",
    {
      ...token("x-token", "t", signed("t", OTHER_KEY)),
      described: { ...SIGNING, publicKeys: { new: PEM } },
      outcome: CLOSED,
      closeConfirmed: false,
    },
  ],
  [
    "a signature over another token, which the API refuses too",
    "SIGNATURE_INVALID",
    "none of its public keys (old, new)",
    {
      ...token("x-token", "t", signed("another")),
      described: SIGNING,
      outcome: refusedAs(4),
      invocation: errored("signature", "SIGNATURE_INVALID"),
    },
  ],
  [
    "no signature where signing is on",
    "SIGNATURE_INVALID",
    "the device sends no signature (x-amz-customauthorizer-signature)",
    { ...token("x-token", "t", null), described: SIGNING },
  ],
  [
    "no token where signing is on",
    "SIGNATURE_INVALID",
    "the device sends no token (x-token)",
    { described: SIGNING },
  ],
  [
    "no SNI",
    "SNI_MISMATCH",
    "no SNI was sent",
    { profile: { tls: { ...TLS, serverName: "" } }, outcome: unreachable("TLS_FAILED", true) },
  ],
  [
    "the SNI of another account",
    "SNI_MISMATCH",
    `SNI b2-ats.iot.eu-west-1.amazonaws.com is not iot.example.com or ${OWN}`,
    {
      profile: { tls: { ...TLS, serverName: "b2-ats.iot.eu-west-1.amazonaws.com" } },
      target: { endpoint: "iot.example.com" },
      domain: { domainName: "iot.example.com" },
      outcome: CLOSED,
    },
  ],
  [
    "an endpoint of another account in the configuration",
    "SNI_MISMATCH",
    `b2-ats.iot.eu-west-1.amazonaws.com is neither the account's own (DescribeEndpoint: ${OWN})`,
    { target: { endpoint: "b2-ats.iot.eu-west-1.amazonaws.com" } },
  ],
  [
    "an endpoint of another Region",
    "SNI_MISMATCH",
    "a1-ats.iot.us-east-1.amazonaws.com is neither",
    { target: { endpoint: "a1-ats.iot.us-east-1.amazonaws.com" } },
  ],
];

describe("what the account says", () => {
  it.each(CASES)("%s: %s", (_, code, evidence, each) => {
    const { kind, causes } = verdictOf(factsOf(each));
    expect(kind).not.toBe("pass");
    expect(causes[0]?.code).toBe(code);
    expect(causes[0]?.evidence).toContain(evidence);
  });

  it.each(CASES)("%s explains nothing where the device gets in", (_, _code, _evidence, each) => {
    const healthy = { outcome: ACCEPTED, invocation: answered("allowed") };
    expect(verdictOf(factsOf({ ...each, ...healthy }))).toEqual({ kind: "pass", causes: [] });
  });

  // What no SNI or a wrong one means needs no answer of AWS.
  const asked = CASES.filter(([, code]) => code !== "SNI_MISMATCH");
  it.each(asked)("%s is not known where nobody could be asked", (_, code, _evidence, each) => {
    const hidden = { kind: "not-checked", reason: "no permission" } as const;
    const preflight = { authorizer: hidden, domain: hidden, accountEndpoint: hidden, clockSkewMs: hidden };
    const invocation = { kind: "skipped", why: "client-certificate" } as const;
    const { causes } = verdictOf(factsOf({ ...each, invocation, preflight }));
    expect(causes.map((cause) => cause.code)).not.toContain(code);
  });
});

/** Nothing of the account's may be blamed. */
const CONTROLS: readonly (readonly [string, Case])[] = [
  ["a refusal of a healthy account", {}],
  [
    "a disabled domain that was never reached",
    { domain: { enabled: false }, outcome: beforeHandshake("DNS_FAILED") },
  ],
  [
    "a tester that failed",
    {
      domain: { enabled: false },
      outcome: { ...BROKEN, cause: "TESTER_ERROR" } as Facts["outcome"],
    },
  ],
  [
    "an outage of the API, of an inactive authorizer whose device gets in",
    { described: { active: false }, invocation: errored("service"), outcome: ACCEPTED },
  ],
  [
    "a certificate that is not valid but was not used",
    { domain: { invalidCertificates: BAD_CERTIFICATE }, outcome: REFUSED },
  ],
  [
    "words that are not known here",
    { domain: { authenticationType: "NEW_AUTH", applicationProtocol: "constructor" } },
  ],
  [
    "the protocol that the domain offers",
    {
      domain: { authenticationType: "CUSTOM_AUTH", applicationProtocol: "HTTPS" },
      profile: { protocols: ["https"] },
    },
  ],
  [
    "the client certificate that the domain demands",
    {
      domain: { authenticationType: "CUSTOM_AUTH_X509", applicationProtocol: "SECURE_MQTT" },
      credentials: { clientCertificate: CERTIFICATE },
    },
  ],
  [
    "the domain's default, named by the device",
    { domain: { defaultAuthorizer: "fleet", allowAuthorizerOverride: false } },
  ],
  [
    "no name where the domain has a default",
    { profile: { authorizer: null }, domain: { defaultAuthorizer: "fleet", allowAuthorizerOverride: false } },
  ],
  ["another authorizer where that is allowed", { domain: { defaultAuthorizer: "other" } }],
  [
    "a signature that one of the keys verifies",
    { ...token("x-token", "t", signed("t")), described: SIGNING },
  ],
  [
    "a header's name in another case",
    { ...token("X-TOKEN", "t", signed("t"), { protocols: ["https"] }), described: SIGNING },
  ],
  [
    "token and signature in a query string",
    {
      ...token("x-token", "a/b=c&d", signed("a/b=c&d"), { protocols: ["wss"], credentialsIn: "query" }),
      described: SIGNING,
    },
  ],
  [
    "token and signature written by hand as headers",
    {
      profile: { protocols: ["https"] },
      credentials: {
        headers: {
          "X-Token": new Secret("t"),
          "X-Amz-CustomAuthorizer-Signature": new Secret(signed("t")),
        },
      },
      described: SIGNING,
    },
  ],
  [
    "a raw user name whose token comes after another pair",
    {
      ...raw(
        `x-amz-customauthorizer-name=fleet&unit=7&x-amz-customauthorizer-signature=${encodeURIComponent(signed("t"))}&x-token=t`,
      ),
      described: SIGNING,
    },
  ],
  [
    "a token that is signed as it is but travels URL-encoded",
    {
      ...raw(
        `x-amz-customauthorizer-name=fleet&x-amz-customauthorizer-signature=${encodeURIComponent(signed("a=b"))}&x-token=a%3Db`,
      ),
      described: SIGNING,
    },
  ],
  [
    "a pair of a raw user name that need not be a token",
    { ...raw("x-amz-customauthorizer-name=fleet&unit=7"), described: { tokenKeyName: "x-token" } },
  ],
  [
    "keys that cannot be read here",
    { ...token("x-token", "t", signed("t")), described: { ...SIGNING, publicKeys: { k: "no pem" } } },
  ],
  ["no keys at all", { ...token("x-token", "t", signed("t")), described: { ...SIGNING, publicKeys: {} } }],
  ["the account's own endpoint", { profile: { tls: { ...TLS, serverName: OWN.toUpperCase() } } }],
  [
    "the account's endpoint instead of the domain's",
    {
      target: { endpoint: "iot.example.com" },
      domain: { domainName: "iot.example.com" },
      profile: { tls: { ...TLS, serverName: OWN } },
    },
  ],
  ["the legacy form of the endpoint", { target: { endpoint: "a1.iot.eu-west-1.amazonaws.com" } }],
  ["its form for both address families", { target: { endpoint: "a1-ats.iot.eu-west-1.api.aws" } }],
  [
    "an endpoint that may be a domain's",
    {
      target: { endpoint: "iot.example.com" },
      preflight: { domain: { kind: "not-checked", reason: "no permission" } },
    },
  ],
  [
    "an SNI that nothing but the network kept out",
    { profile: { tls: { ...TLS, serverName: "" } }, outcome: beforeHandshake("TCP_REFUSED") },
  ],
  ["a clock that is off but mattered to nobody", { preflight: { clockSkewMs: known(3_600_000) } }],
];

const OF_THE_ACCOUNT: ReadonlySet<CauseCode> = new Set<CauseCode>([
  "AUTHORIZER_INACTIVE",
  "AUTHORIZER_NOT_FOUND",
  "AUTHORIZER_OVERRIDE_DISALLOWED",
  "CALLER_CLOCK_SKEW",
  "DOMAIN_DISABLED",
  "DOMAIN_PROTOCOL_MISMATCH",
  "SIGNATURE_INVALID",
  "SNI_MISMATCH",
  "TOKEN_KEY_MISMATCH",
]);

describe("what is nobody's fault in the account", () => {
  it.each(CONTROLS)("%s", (_, each) => {
    const { causes } = verdictOf(factsOf(each));
    expect(causes.map(({ code }) => code).filter((code) => OF_THE_ACCOUNT.has(code))).toEqual([]);
  });
});

describe("ranking", () => {
  const codes = (each: Case) => verdictOf(factsOf(each)).causes.map(({ code }) => code);

  it("puts a torn user name before what cannot be read from it", () => {
    const suffix = `x-amz-customauthorizer-name=fleet&x-amz-customauthorizer-signature=${encodeURIComponent(signed("t"))}&x-token=t`;
    expect(codes({ ...raw(`${suffix}?SDK=JavaV2`), described: SIGNING })[0]).toBe("USERNAME_MALFORMED");
  });

  it("leaves the form of a signature to its own causes", () => {
    const wrapped = signed("t").replace(/.{64}/g, "$&\n");
    expect(codes({ ...token("x-token", "t", wrapped), described: SIGNING })[0]).toBe("SIGNATURE_NOT_BASE64");
  });

  it("puts a domain's bad certificate behind what is wrong with it", () => {
    const each: Case = {
      domain: { name: "custom", invalidCertificates: BAD_CERTIFICATE },
      outcome: inHandshake("SERVER_CERTIFICATE_EXPIRED"),
    };
    expect(codes(each)).toEqual(["SERVER_CERTIFICATE_EXPIRED", "DOMAIN_DISABLED"]);
    expect(verdictOf(factsOf(each)).causes[1]?.evidence).toContain(
      `server certificate ${BAD_CERTIFICATE[0]}`,
    );
  });

  it("does not put a wrong signature before the word for an expected denial that is not proven", () => {
    const each: Case = {
      ...token("x-token", "t", signed("t", OTHER_KEY)),
      described: { ...SIGNING, publicKeys: { new: PEM } },
      access: "deny",
      invocation: errored("throttled", "API_THROTTLED"),
    };
    expect(codes(each)[0]).toBe("API_THROTTLED");
  });

  it("names the key and the signature only once", () => {
    const each: Case = { ...token("X-Token", "t", signed("other")), described: SIGNING };
    expect(codes(each)).toEqual(["TOKEN_KEY_MISMATCH"]);
  });
});

describe("a clock that is off", () => {
  const skewed = (minutes: number): Partial<Preflight> => ({ clockSkewMs: known(minutes * 60_000) });
  const codes = (each: Case) => verdictOf(factsOf(each)).causes;

  it("is named where AWS refused our signature", () => {
    const invocation = errored("caller", "CALLER_CREDENTIALS_INVALID");
    const causes = codes({ invocation, outcome: ACCEPTED, preflight: skewed(7) });
    expect(causes.map(({ code }) => code)).toEqual(["CALLER_CLOCK_SKEW", "CALLER_CREDENTIALS_INVALID"]);
    expect(causes[0]?.evidence).toBe(
      "AWS's clock is 7 minutes ahead of this machine's (Date of its answers)",
    );
  });

  it("gives the caller's own word its measure", () => {
    const invocation = errored("caller", "CALLER_CLOCK_SKEW");
    const [first, ...others] = codes({ invocation, outcome: ACCEPTED, preflight: skewed(-61) });
    expect(first).toMatchObject({ code: "CALLER_CLOCK_SKEW" });
    expect(first?.evidence).toContain("61 minutes behind");
    expect(others).toEqual([]);
  });

  it("may be why a certificate seems to have expired", () => {
    const causes = codes({
      outcome: inHandshake("SERVER_CERTIFICATE_EXPIRED"),
      preflight: skewed(-60 * 24 * 400),
    });
    expect(causes.map(({ code }) => code)).toContain("CALLER_CLOCK_SKEW");
  });

  it("is not named within five minutes", () => {
    const invocation = errored("caller", "CALLER_CREDENTIALS_INVALID");
    const causes = codes({ invocation, outcome: ACCEPTED, preflight: skewed(5) });
    expect(causes.map(({ code }) => code)).toEqual(["CALLER_CREDENTIALS_INVALID"]);
  });
});

describe("a live device that the API lets in and the run leaves alone", () => {
  const alone = { outcome: GUARDED, profile: { identity: "device" } } as const;
  const verdict = (more: Case) => verdictOf(factsOf({ ...alone, ...more }));
  const barred = (more: Case) => {
    const { kind, causes } = verdict(more);
    return [kind, ...causes.map(({ code }) => code)];
  };

  it("is skipped where the account says nothing against it", () => {
    expect(barred({})).toEqual(["skipped", "DEVICE_IDENTITY_GUARDED"]);
    expect(barred({ preflight: { authorizer: NOT_CHECKED, domain: NOT_CHECKED } })[0]).toBe("skipped");
  });

  it.each<[CauseCode, Case]>([
    ["AUTHORIZER_INACTIVE", { described: { active: false } }],
    ["DOMAIN_DISABLED", { domain: { enabled: false } }],
    ["DOMAIN_PROTOCOL_MISMATCH", { domain: { applicationProtocol: "MQTT_WSS" } }],
  ])("fails for %s, which the API does not know", (code, more) => {
    expect(barred(more)).toEqual(["fail", code, "DEVICE_IDENTITY_GUARDED"]);
    expect(barred({ ...more, access: "deny" })[0]).toBe("inconclusive");
  });

  it("is inconclusive where another authorizer than the one asked may be the gateway's", () => {
    const domain = { defaultAuthorizer: "other", allowAuthorizerOverride: false };
    expect(barred({ domain })).toEqual([
      "inconclusive",
      "AUTHORIZER_OVERRIDE_DISALLOWED",
      "DEVICE_IDENTITY_GUARDED",
    ]);
    expect(verdict({ domain }).causes[0]?.evidence).toContain("the device names fleet");
  });
});
