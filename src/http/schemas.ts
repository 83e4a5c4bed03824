import { z } from "zod";
import { CAUSE_CODES, type CauseCode } from "../model/causes.ts";
import { DERIVED_KINDS } from "../model/check.ts";
import { DECISIONS } from "../model/gate.ts";
import { PHASES } from "../model/outcome.ts";
import { PROTOCOLS } from "../model/profile.ts";
import { TOPIC_ACTIONS } from "../model/proof.ts";
import { REALMS } from "../model/realm.ts";
import { VERDICTS } from "../model/result.ts";
import { RUN_STATUSES } from "../model/run.ts";
import { VARIATIONS } from "../model/second-wave.ts";

/**
 * What the API answers, for /openapi.json. Each with a name becomes a component; members may be added to any of them.
 */
const count = z.int().nonnegative();
const seconds = z.number().nonnegative();
const decision = z.enum(DECISIONS).meta({ id: "Decision" });
const code = z.enum(Object.values(CAUSE_CODES).flat() as [CauseCode, ...CauseCode[]]);
const authorizer = z.enum(["allowed", "denied", "errored", "skipped"]);
const gateway = z.enum(["accepted", "refused", "unreachable", "broken", "skipped"]);
const how = z.enum(["code", "status", "closed"]);
const access = z.enum(["allow", "deny"]);

export const problem = z
  .object({
    type: z.literal("about:blank"),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    runId: z.string().optional().describe("The run that is in the way (409)"),
    problems: z.array(z.string()).optional().describe("What is wrong with the configuration (422)"),
  })
  .meta({ id: "Problem" });

export const counts = z
  .object({
    planned: count.describe("Checks the plan holds, derived ones left out"),
    checks: count.describe("pass + fail + inconclusive + skipped"),
    pass: count,
    fail: count,
    inconclusive: count,
    skipped: count,
    notRun: count,
    derived: count.describe("Deliberate corruptions that must be denied"),
    invalidProfiles: count,
  })
  .meta({ id: "Counts" });

const group = z.object({
  target: z.string(),
  cohort: z.string(),
  pass: count,
  fail: count,
  inconclusive: count,
  skipped: count,
  notRun: count,
  unexpectedAccepts: count,
  invalid: count,
  expected: count,
  derived: count,
  derivedFailed: count,
});

const rule = z.object({
  rule: z.string(),
  target: z.string().nullable().describe("null, as is cohort: the whole run"),
  cohort: z.string().nullable(),
  threshold: z.number(),
  observed: z.number().nullable().describe("null: nothing to measure"),
  met: z.boolean(),
  unmetMeans: z.enum(["no-go", "inconclusive"]),
});

const gateOutcome = z.object({
  decision,
  reason: z.string(),
  nothingSelected: z.boolean(),
  rules: z.array(rule),
  groups: z.array(z.object({ target: z.string(), cohort: z.string(), decision })),
});

const checked = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("known"), value: z.string() }),
  z.object({ kind: z.literal("not-checked"), reason: z.string() }),
]);

const fingerprint = z.object({
  configChecksum: z.string(),
  fleetChecksum: z.string(),
  firmware: z.array(z.string()),
  targets: z.array(
    z.object({
      target: z.string(),
      realm: z.enum(REALMS),
      region: z.string(),
      accountId: z.string(),
      callerAccountId: checked,
      endpoint: z.string(),
      authorizers: z.array(z.object({ name: z.string(), state: checked })),
    }),
  ),
});

export const run = z
  .object({
    runId: z.string(),
    suite: z.string(),
    status: z.enum(RUN_STATUSES),
    decision: decision.nullable().describe("null until it has ended"),
    reason: z.string(),
    startedAt: z.iso.datetime(),
    decidedAt: z.iso.datetime().nullable(),
    durationSeconds: seconds,
    counts,
    groups: z.array(group),
    gate: gateOutcome.nullable(),
    agreement: z.array(z.object({ authorizer, gateway, checks: count })),
    causes: z.array(
      z.object({
        cause: code,
        verdict: z.enum(["fail", "inconclusive"]),
        checks: count,
        examples: z.array(z.string()).describe("A few device ids"),
        evidence: z.string(),
        nextStep: z.string(),
      }),
    ),
    latency: z.array(
      z.object({
        protocol: z.string(),
        phase: z.string(),
        samples: count,
        p50: seconds,
        p95: seconds,
        p99: seconds,
        max: seconds,
      }),
    ),
    preflight: z.array(
      z.object({
        target: z.string(),
        what: z.string(),
        state: z.enum(["ok", "problem", "not-checked"]),
        detail: z.string(),
      }),
    ),
    fingerprint: fingerprint.nullable().describe("What the decision is bound to"),
    notes: z.array(z.string()),
  })
  .meta({ id: "Run" });

const cause = z.object({ code, evidence: z.string(), nextStep: z.string() });

export const result = z
  .object({
    seq: count.describe("Place in the plan"),
    device: z.string(),
    cohort: z.string(),
    target: z.string(),
    protocol: z.enum(PROTOCOLS),
    mqttVersion: z
      .union([z.literal(4), z.literal(5)])
      .nullable()
      .describe("4 is MQTT 3.1.1; null for https"),
    location: z.string(),
    derived: z.enum(DERIVED_KINDS).nullable(),
    expectation: access,
    authorizer,
    authorizerName: z.string().nullable(),
    authorizerError: z.object({ why: z.string(), code: z.string(), message: z.string() }).nullable(),
    principalId: z.string().nullable(),
    refreshAfterSeconds: z.number().nullable(),
    disconnectAfterSeconds: z.number().nullable(),
    prediction: z.enum(["allow", "deny", "unknown"]).describe("What the returned policies permit"),
    gateway,
    gatewayHow: how.nullable(),
    gatewayCode: z.number().nullable().describe("CONNACK code or HTTP status"),
    gatewayReason: z.string().nullable(),
    verdict: z.enum(VERDICTS),
    causes: z.array(cause).describe("The first one is the one to act on"),
    topics: z.array(
      z.object({
        action: z.enum(TOPIC_ACTIONS),
        topic: z.string(),
        expected: access,
        predicted: z.enum(["allow", "deny", "unknown"]),
        gateway: z.enum(["allowed", "denied", "unanswered", "not-tried"]),
        evidence: z.string(),
      }),
    ),
    secondAttempts: z.array(
      z.object({
        variation: z.enum(VARIATIONS),
        gateway,
        gatewayHow: how.nullable(),
        gatewayCode: z.number().nullable(),
      }),
    ),
    guard: z
      .object({
        state: z.enum(["connected", "offline", "unknown"]),
        via: z.enum(["GetConnection", "GetThingConnectivityData"]).nullable(),
        evidence: z.string(),
        connected: z.boolean(),
        sessionPresent: z.boolean().nullable(),
      })
      .nullable(),
    tls: z.object({ version: z.string(), cipher: z.string(), address: z.string() }).nullable(),
    certificateExpiresAt: z.iso.datetime().nullable(),
    timings: z.object({
      invokeSeconds: seconds.nullable(),
      phases: z.partialRecord(z.enum(PHASES), seconds),
    }),
  })
  .meta({ id: "Result" });

export const gateAnswer = z
  .object({
    suite: z.string(),
    decision: z.enum([...DECISIONS, "running"]),
    ok: z
      .boolean()
      .describe("May the rollout go on? A go that holds, or an inconclusive that was overridden"),
    runId: z.string().nullable().describe("null: the suite was never run"),
    reason: z.string(),
    nothingSelected: z.boolean(),
    realm: z.enum(REALMS).nullable().describe("What was tested: AWS itself, the emulator, or something else"),
    decidedAt: z.iso.datetime().nullable(),
    expiresAt: z.iso.datetime().nullable(),
    counts: counts.nullable(),
    causes: z.array(z.string()).describe("The most frequent ones"),
    override: z.object({ actor: z.string(), reason: z.string() }).nullable(),
  })
  .meta({ id: "GateAnswer" });

/** A page of a list. */
export function page(item: z.ZodType): z.ZodType {
  return z.object({ items: z.array(item), nextCursor: z.string().nullable() });
}

/** Without `debug`; with it: docs/probe.schema.json. */
export const probeAnswer = z.object({
  device: z.string(),
  verdict: z.enum(VERDICTS),
  causes: z.array(cause.extend({ protocol: z.string() })).optional(),
});
