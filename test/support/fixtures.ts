import type { CauseCode } from "../../src/model/causes.ts";
import type { Check } from "../../src/model/check.ts";
import type { AuthorizerAnswer, Invocation } from "../../src/model/invocation.ts";
import type { Outcome, Transport } from "../../src/model/outcome.ts";
import type { Prediction } from "../../src/model/prediction.ts";
import type { Preflight } from "../../src/model/preflight.ts";
import type { Credentials, Profile } from "../../src/model/profile.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import type { SecondWave } from "../../src/run/second-wave.ts";

/** Valid model values for tests, each changeable in one argument. */

export function profileOf(changes: Partial<Profile> = {}): Profile {
  return {
    id: "pump-1",
    cohort: "pumps",
    target: "here",
    protocols: ["mqtt"],
    mqttVersion: 4,
    authorizer: null,
    clientId: "pump-1",
    username: null,
    password: null,
    token: null,
    credentialsIn: null,
    headers: {},
    queryString: null,
    topic: null,
    identity: "dedicated",
    connect: {
      cleanSession: true,
      sessionExpirySeconds: 0,
      sessionStated: false,
      keepAliveSeconds: 60,
      will: null,
    },
    tls: {
      serverName: null,
      alpn: null,
      certFile: null,
      keyFile: null,
      minVersion: null,
      maxVersion: null,
      groups: null,
    },
    expect: {
      access: "allow",
      publish: { allow: [], deny: [] },
      subscribe: { allow: [], deny: [] },
      receive: { allow: [], deny: [] },
      principalId: null,
      refreshAfterSeconds: null,
      disconnectAfterSeconds: null,
      preset: null,
    },
    labels: {},
    exec: null,
    baseFolder: "/",
    origin: { file: "fleet.ndjson", line: 1 },
    ...changes,
  };
}

export function checkOf(changes: Partial<Check> = {}, profile: Partial<Profile> = {}): Check {
  const whole = profileOf(profile);
  return {
    seq: 0,
    profile: whole,
    protocol: whole.protocols[0] ?? "mqtt",
    expectation: whole.expect.access,
    derived: null,
    guardLifted: false,
    ...changes,
  };
}

export function credentialsOf(changes: Partial<Credentials> = {}): Credentials {
  return {
    username: null,
    password: null,
    token: null,
    headers: {},
    queryString: null,
    clientCertificate: null,
    ...changes,
  };
}

export function targetOf(changes: Partial<ReadyTarget> = {}): ReadyTarget {
  return {
    name: "here",
    partition: "aws",
    region: "eu-west-1",
    accountId: "123456789012",
    endpoint: "a1-ats.iot.eu-west-1.amazonaws.com",
    address: null,
    addressFamily: "any",
    port: 443,
    ca: null,
    controlPlaneEndpoint: null,
    queryStringMark: true,
    sourceIp: null,
    budgets: { invokesPerSecond: 10, connectsPerSecond: 10, burst: 1 },
    concurrency: 50,
    timeouts: { invokeMs: 10_000, probeMs: 10_000 },
    ...changes,
  };
}

const NOT_CHECKED = { kind: "not-checked", reason: "not asked" } as const;

export function preflightOf(changes: Partial<Preflight> = {}): Preflight {
  return {
    authorizer: NOT_CHECKED,
    domain: NOT_CHECKED,
    accountEndpoint: NOT_CHECKED,
    clockSkewMs: NOT_CHECKED,
    ...changes,
  };
}

/** What a check gathers beside the answers of the authorizer and the gateway, where nothing of it is asked for. */
export const NOTHING_MORE = {
  authorizer: null,
  preflight: preflightOf(),
  lesser: { willAndSession: null, conditions: null },
  topics: [],
  secondAttempts: [],
  guard: null,
} as const;

/** A run that neither derives nor tries again. */
export const NO_SECOND_WAVE: SecondWave = {
  perCohort: 0,
  mayDerive: () => false,
  mayDeriveFrom: () => false,
  derive: async () => [],
  ledger: { used: () => 0, spend: () => false },
  variationsOf: () => [],
  attempt: async () => {
    throw new Error("nothing is tried again");
  },
  random: () => 0,
};

export const TRANSPORT: Transport = {
  address: "127.0.0.1",
  tls: { version: "TLSv1.3", cipher: "TLS_AES_128_GCM_SHA256", alpn: "mqtt" },
  certificateExpiresAtMs: null,
  packets: [],
  phasesMs: { dns: 0, tcp: 1, tls: 4, connack: 5 },
  durationMs: 10,
  delayMs: 0,
  startedAtMs: 0,
};

export const ACCEPTED: Extract<Outcome, { kind: "accepted" }> = {
  kind: "accepted",
  transport: TRANSPORT,
  code: 0,
  sessionPresent: false,
  topics: [],
};
export const REFUSED: Outcome = {
  kind: "refused",
  how: "code",
  code: 5,
  reason: null,
  transport: TRANSPORT,
};
export const CLOSED: Outcome = { ...REFUSED, how: "closed", code: null };

export function unreachable(cause: CauseCode = "GATEWAY_TIMEOUT", tlsAlert = false): Outcome {
  return { kind: "unreachable", cause, code: null, reason: "no answer", transport: TRANSPORT, tlsAlert };
}

export const BROKEN: Outcome = {
  kind: "broken",
  cause: "GATEWAY_PROTOCOL_VIOLATION",
  code: null,
  reason: "garbage",
  transport: TRANSPORT,
  tlsAlert: false,
};

export const GUARDED: Outcome = {
  kind: "skipped",
  cause: "DEVICE_IDENTITY_GUARDED",
  reason: "a live device may be connected",
};

export function answered(
  kind: "allowed" | "denied",
  answer: Partial<AuthorizerAnswer> = {},
): Extract<Invocation, { kind: "allowed" | "denied" }> {
  return {
    kind,
    authorizer: "fleet",
    answer: {
      isAuthenticated: kind === "allowed",
      principalId: "pump1",
      policyDocuments: [],
      policyHash: null,
      refreshAfterSeconds: 300,
      disconnectAfterSeconds: 86_400,
      ...answer,
    },
    durationMs: 20,
    delayMs: 0,
    requestId: null,
  };
}

export function errored(
  why: Extract<Invocation, { kind: "errored" }>["why"],
  cause: Extract<Invocation, { kind: "errored" }>["cause"] = "API_UNAVAILABLE",
): Invocation {
  return {
    kind: "errored",
    why,
    cause,
    authorizer: "fleet",
    code: "SomeException",
    message: "no",
    durationMs: 5,
    delayMs: 0,
    requestId: null,
  };
}

export function predicted(decision: Prediction["decision"]): Prediction {
  return {
    decision,
    by: decision === "unknown" ? null : decision === "allow" ? "allow" : "implicit-deny",
    document: null,
    statement: null,
    undecided: decision === "unknown" ? "not evaluated" : null,
  };
}
