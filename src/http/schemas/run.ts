import { z } from "zod";
import { DERIVED_KINDS } from "../../model/check.ts";
import { REALMS } from "../../model/realm.ts";
import { RUN_STATUSES } from "../../model/run.ts";
import { authorizer, code, count, counts, decision, gateway, seconds } from "./common.ts";

const size = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("devices"), devices: count }),
  z.object({ kind: z.literal("percent"), percent: z.number() }),
  z.object({ kind: z.literal("within"), withinMs: count }),
]);

const bound = z.object({
  target: z.string(),
  cohort: z.string(),
  devices: count.describe("Drawn"),
  ofDevices: count,
  decided: count.describe("Checks that passed or failed"),
  failed: count,
  failureRate: z.number().describe("Rates above this one are excluded, 0..1"),
  confidence: z.number(),
});

const groupSample = z.object({ devices: count, ofDevices: count, checks: count, ofChecks: count });

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
  connectP95Seconds: seconds.nullable(),
  authorizerP95Seconds: seconds.nullable(),
  newFailures: count.nullable().describe("null, as is policyChanges: there is no go run to compare with"),
  policyChanges: count.nullable(),
  sample: groupSample.optional().describe("What was drawn; left out: every device is tested"),
  asked: z
    .object({ sample: groupSample, answered: count, disagreed: count })
    .optional()
    .describe("Of authorizer: sample, how many answers were compared, and how many differed"),
});

export const rule = z.object({
  rule: z.string(),
  target: z.string().nullable().describe("null, as is cohort: the whole run"),
  cohort: z.string().nullable(),
  threshold: z.number(),
  observed: z.number().nullable().describe("null: nothing to measure"),
  inSample: z
    .number()
    .optional()
    .describe("What was seen in the sample, where observed is the bound for all"),
  met: z.boolean(),
  unmetMeans: z.enum(["no-go", "inconclusive"]),
});

const gateOutcome = z.object({
  decision,
  reason: z.string(),
  nothingSelected: z.boolean(),
  rules: z.array(rule),
  groups: z.array(z.object({ target: z.string(), cohort: z.string(), decision })),
  bounds: z.array(bound).optional().describe("Of a sample: which failure rates it excludes"),
  disagreement: z.array(bound).optional().describe("Of authorizer: sample, which rates of disagreement"),
});

/** What was asked, or why it is not known. */
function checked(value: z.ZodType) {
  return z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("known"), value }),
    z.object({ kind: z.literal("not-checked"), reason: z.string() }),
  ]);
}

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
      callerAccountId: checked(z.string()),
      endpoint: z.string(),
      endpointIsOurs: checked(z.boolean()),
      authorizers: z.array(z.object({ name: z.string(), state: checked(z.string()) })),
    }),
  ),
});

const driftItem = z.object({ checks: count, examples: z.array(z.string()).describe("A few device ids") });

const drift = z.object({
  since: z.string().describe("The last go run of the suite"),
  newlyFailing: driftItem,
  recovered: driftItem,
  newlyMissing: driftItem.nullable().describe("Devices; null: the run was not of everything"),
  policyChanged: driftItem,
  principalIdChanged: driftItem,
  timesChanged: driftItem.describe("Refresh or disconnect time"),
  latency: z.array(z.object({ protocol: z.string(), before: seconds, now: seconds })),
});

export const latencyRow = z.object({
  protocol: z.string(),
  phase: z.string().describe("`total`: the sum of them, of connections that were accepted"),
  samples: count,
  p50: seconds,
  p95: seconds,
  p99: seconds,
  max: seconds,
});

export const run = z
  .object({
    runId: z.string(),
    suite: z.string(),
    selection: z
      .object({
        cohorts: z.array(z.string()).nullable().describe("null: the suite's own"),
        devices: z.array(z.string()).nullable().describe("null: all"),
        allowDeviceIdentity: count.describe("Checks of live devices that may connect if it is safe"),
        sample: size.optional().describe("Left out: every device"),
      })
      .describe("What of the suite was asked for"),
    sample: z
      .object({ size, seed: z.string(), devices: count, ofDevices: count })
      .optional()
      .describe("What was drawn; left out: nothing was left out"),
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
        derived: z
          .enum(DERIVED_KINDS)
          .optional()
          .describe("What was corrupted on purpose; left out: nothing"),
        checks: count,
        examples: z.array(z.string()).describe("A few device ids"),
        evidence: z.string(),
        nextStep: z.string(),
      }),
    ),
    latency: z.array(latencyRow),
    timesDiscarded: count.optional().describe("Checks of which times were left out; left out itself: none"),
    preflight: z.array(
      z.object({
        target: z.string(),
        what: z.string(),
        state: z.enum(["ok", "problem", "not-checked"]),
        detail: z.string(),
      }),
    ),
    drift: drift.nullable().describe("null: there is no go run to compare with, or a note says why not"),
    fingerprint: fingerprint.nullable().describe("What the decision is bound to"),
    notes: z.array(z.string()),
  })
  .meta({ id: "Run" });
