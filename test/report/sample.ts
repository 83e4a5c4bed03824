import type { GroupTally } from "../../src/model/gate.ts";
import type { RunSummary } from "../../src/model/run.ts";

export const EMPTY_TALLY = {
  pass: 0,
  fail: 0,
  inconclusive: 0,
  skipped: 0,
  notRun: 0,
  unexpectedAccepts: 0,
  invalid: 0,
  expected: 0,
  derived: 0,
  derivedFailed: 0,
  connectP95Seconds: null,
  authorizerP95Seconds: null,
  newFailures: null,
  policyChanges: null,
};

export function group(cohort: string, tally: Partial<GroupTally>): GroupTally {
  return { target: "eu-prod", cohort, ...EMPTY_TALLY, ...tally };
}

/** A run with something of everything. */
export const sampleSummary: RunSummary = {
  runId: "0f8f7a52-6a43-4f0e-9d2b-0a6b7f1e2c3d",
  suite: "pre-rollout",
  status: "finished",
  decision: "no-go",
  reason: "valves on eu-prod: minPassRatio is 0.9333, threshold 1, and 2 more",
  startedAt: "2026-11-23T01:16:03.000Z",
  decidedAt: "2026-11-23T01:16:55.400Z",
  durationSeconds: 52.4,
  counts: {
    planned: 500,
    checks: 498,
    pass: 480,
    fail: 12,
    inconclusive: 4,
    skipped: 2,
    notRun: 2,
    derived: 6,
    invalidProfiles: 1,
  },
  groups: [
    group("pumps", { pass: 200, expected: 200 }),
    group("valves", { pass: 140, fail: 10, expected: 150 }),
    group("meters", { pass: 140, fail: 2, inconclusive: 4, skipped: 2, notRun: 2, expected: 150 }),
  ],
  gate: {
    decision: "no-go",
    reason: "valves on eu-prod: minPassRatio is 0.9333, threshold 1, and 2 more",
    nothingSelected: false,
    groups: [
      { target: "eu-prod", cohort: "pumps", decision: "go" },
      { target: "eu-prod", cohort: "valves", decision: "no-go" },
      { target: "eu-prod", cohort: "meters", decision: "inconclusive" },
    ],
    rules: [
      rule("minPassRatio", null, 1, 480 / 492, "no-go"),
      rule("minChecks", null, 1, 496, null),
      rule("maxInconclusiveRatio", null, 0, 5 / 499, "inconclusive"),
      rule("minPassRatio", "valves", 1, 140 / 150, "no-go"),
      rule("minCoverage", "meters", 1, null, "inconclusive"),
    ],
  },
  agreement: [
    { authorizer: "allowed", gateway: "accepted", checks: 470 },
    { authorizer: "denied", gateway: "refused", checks: 15 },
    { authorizer: "allowed", gateway: "refused", checks: 7 },
    { authorizer: "errored", gateway: "unreachable", checks: 4 },
    { authorizer: "denied", gateway: "skipped", checks: 2 },
  ],
  causes: [
    {
      cause: "POLICY_CONNECT_DENIED",
      verdict: "fail",
      checks: 7,
      examples: ["valve-0007", "valve-0031", "valve-0044", "valve-0102", "valve-0118"],
      evidence:
        'The policy\'s Resource is "arn:aws:iot:eu-west-1:123456789012:client/valve-*-v2", and the client id is "valve-0007".',
      nextStep: "Let the policy's Resource match the client id the device sends.",
    },
    {
      cause: "SIGNATURE_INVALID",
      verdict: "fail",
      checks: 5,
      examples: ["valve-0001", "a b\u001b[31m, \u202Eevil", "ポンプ-1"],
      evidence: "CONNACK code 135 (Not authorized)",
      nextStep:
        "Sign the token with a private key whose public half the authorizer lists, RSA SHA-256 PKCS#1 v1.5.",
    },
    {
      cause: "GATEWAY_TIMEOUT",
      verdict: "inconclusive",
      checks: 4,
      examples: ["meter-0003", "meter-0009", "meter-0012", "meter-0140"],
      evidence: "no answer within 10 s of connecting to 127.0.0.1",
      nextStep: "Look at the path between tester and gateway.",
    },
  ],
  latency: [
    { protocol: "api", phase: "invoke", samples: 498, p50: 0.021, p95: 0.044, p99: 0.13, max: 1.42 },
    { protocol: "mqtt", phase: "dns", samples: 300, p50: 0.00002, p95: 0.0001, p99: 0.0002, max: 0.0007 },
    { protocol: "mqtt", phase: "total", samples: 290, p50: 0.0143, p95: 0.0312, p99: 0.0502, max: 0.0944 },
    { protocol: "mqtt", phase: "tls", samples: 300, p50: 0.0061, p95: 0.0152, p99: 0.0203, max: 0.0311 },
    { protocol: "mqtt", phase: "tcp", samples: 300, p50: 0.0004, p95: 0.0009, p99: 0.0017, max: 0.0051 },
    { protocol: "mqtt", phase: "connack", samples: 295, p50: 0.0052, p95: 0.0121, p99: 0.0223, max: 10.02 },
  ],
  drift: {
    since: "20261122T011603Z-4f1c9a",
    newlyFailing: {
      checks: 12,
      examples: ["valve-0001", "valve-0002", "valve-0003", "valve-0004", "valve-0005"],
    },
    recovered: { checks: 1, examples: ["pump-0001"] },
    newlyMissing: { checks: 2, examples: ["meter-0149", "meter-0150"] },
    policyChanged: { checks: 150, examples: ["valve-0001"] },
    principalIdChanged: { checks: 0, examples: [] },
    timesChanged: { checks: 0, examples: [] },
    latency: [{ protocol: "mqtt", before: 0.021, now: 0.034 }],
  },
  fingerprint: {
    configChecksum: "c".repeat(64),
    fleetChecksum: "f".repeat(64),
    firmware: ["4.2.0"],
    targets: [
      {
        target: "eu-prod",
        realm: "aws",
        region: "eu-west-1",
        accountId: "123456789012",
        callerAccountId: { kind: "known", value: "123456789012" },
        endpoint: "a1-ats.iot.eu-west-1.amazonaws.com",
        endpointIsOurs: { kind: "known", value: true },
        authorizers: [{ name: "fleet-jwt", state: { kind: "not-checked", reason: "AccessDenied" } }],
      },
    ],
  },
  preflight: [
    { target: "eu-prod", what: "DescribeEndpoint", state: "ok", detail: "a1-ats is the account's own" },
    {
      target: "eu-prod",
      what: "DescribeDomainConfiguration",
      state: "not-checked",
      detail: "DescribeDomainConfiguration: AccessDeniedException: not authorized to perform it",
    },
    {
      target: "eu-prod",
      what: "clock",
      state: "problem",
      detail: "AWS's clock is 420 s ahead of this machine's",
    },
  ],
  selection: { cohorts: null, devices: null, allowDeviceIdentity: 0 },
  notes: [
    "The profile source changed while the run went on: pumps.ndjson. Its checks after the change were not run.",
  ],
};

function rule(
  name: string,
  cohort: string | null,
  threshold: number,
  observed: number | null,
  unmetMeans: "no-go" | "inconclusive" | null,
) {
  return {
    rule: name,
    target: cohort === null ? null : "eu-prod",
    cohort,
    threshold,
    observed,
    met: unmetMeans === null,
    unmetMeans: unmetMeans ?? "inconclusive",
  };
}
