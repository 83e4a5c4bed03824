import { z } from "zod";
import { CAUSE_CODES, type CauseCode } from "../../src/model/causes.ts";
import { DERIVED_KINDS } from "../../src/model/check.ts";
import { DECISIONS } from "../../src/model/gate.ts";
import { PHASES } from "../../src/model/outcome.ts";
import { PROTOCOLS } from "../../src/model/profile.ts";
import { TOPIC_ACTIONS } from "../../src/model/proof.ts";
import { REALMS } from "../../src/model/realm.ts";
import { TIMED_PARTS, VERDICTS } from "../../src/model/result.ts";
import { RUN_STATUSES } from "../../src/model/run.ts";
import { VARIATIONS } from "../../src/model/second-wave.ts";
import type { JsonReport } from "../../src/report/json.ts";

const count = z.int().nonnegative();
const seconds = z.number().nonnegative();
const decision = z.enum(DECISIONS);
const authorizer = z
  .enum(["allowed", "denied", "errored", "skipped"])
  .describe("What the authorizer answered");
const gateway = z
  .enum(["accepted", "refused", "unreachable", "broken", "skipped"])
  .describe("What the gateway did");
const code = z.enum(Object.values(CAUSE_CODES).flat() as [CauseCode, ...CauseCode[]]);

const counts = z.strictObject({
  planned: count.describe("Checks the plan held, derived ones left out"),
  checks: count.describe("pass + fail + inconclusive + skipped, derived ones left out"),
  pass: count,
  fail: count,
  inconclusive: count,
  skipped: count,
  notRun: count,
  derived: count.describe("Deliberate corruptions that must be denied"),
  invalidProfiles: count,
});

const rule = z.strictObject({
  rule: z.string(),
  target: z.string().nullable().describe("null, as is cohort: the whole run"),
  cohort: z.string().nullable(),
  threshold: z.number(),
  observed: z.number().nullable().describe("null: nothing to measure"),
  inSample: z
    .number()
    .optional()
    .describe("What was seen in the sample, where observed is the bound for all devices"),
  met: z.boolean(),
  unmetMeans: z.enum(["no-go", "inconclusive"]),
});

const sampleSize = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("devices"), devices: count }),
  z.strictObject({ kind: z.literal("percent"), percent: z.number() }),
  z.strictObject({ kind: z.literal("within"), withinMs: count }),
]);

const sampleBound = z.strictObject({
  target: z.string(),
  cohort: z.string(),
  devices: count.describe("Drawn"),
  ofDevices: count,
  decided: count.describe("Checks that passed or failed"),
  failed: count,
  failureRate: z.number().describe("Failure rates above this one are excluded, 0..1"),
  confidence: z.number(),
});

const groupSample = z.strictObject({ devices: count, ofDevices: count, checks: count, ofChecks: count });

const group = z.strictObject({
  target: z.string(),
  cohort: z.string(),
  decision: decision.nullable(),
  pass: count,
  fail: count,
  inconclusive: count,
  skipped: count,
  notRun: count,
  unexpectedAccepts: count,
  invalid: count,
  expected: count.describe("Checks that should have been done"),
  derived: count,
  derivedFailed: count,
  connectP95Seconds: seconds.nullable().describe("Until the gateway let the device in or kept it out"),
  authorizerP95Seconds: seconds.nullable(),
  newFailures: count.nullable().describe("Checks that fail and did not fail in the last go run"),
  policyChanges: count
    .nullable()
    .describe("Checks with another policy, principalId, refresh or disconnect time than in the last go run"),
  sample: groupSample.optional().describe("What was drawn; left out: every device is tested"),
  asked: z
    .strictObject({ sample: groupSample, answered: count, disagreed: count })
    .optional()
    .describe("Of authorizer: sample, how many answers were compared, and how many differed"),
});

const driftItem = z.strictObject({
  checks: count,
  examples: z.array(z.string()).describe("A few device ids"),
});

const drift = z.strictObject({
  since: z.string().describe("Id of the run compared with"),
  newlyFailing: driftItem,
  recovered: driftItem,
  newlyMissing: driftItem
    .nullable()
    .describe("Devices, not checks; null: not every check was run, or not the whole suite"),
  policyChanged: driftItem,
  principalIdChanged: driftItem,
  timesChanged: driftItem.describe("Refresh or disconnect time"),
  latency: z
    .array(z.strictObject({ protocol: z.string(), before: seconds, now: seconds }))
    .describe("95th percentiles of whole connections; api: of the authorizer's answers"),
});

function checked<T extends z.ZodType>(value: T) {
  return z.discriminatedUnion("kind", [
    z.strictObject({ kind: z.literal("known"), value }),
    z.strictObject({ kind: z.literal("not-checked"), reason: z.string() }),
  ]);
}

const fingerprint = z.strictObject({
  configChecksum: z.string(),
  fleetChecksum: z.string(),
  firmware: z.array(z.string()).describe("Values of the label firmware; the first 20"),
  targets: z.array(
    z.strictObject({
      target: z.string(),
      realm: z.enum(REALMS),
      region: z.string(),
      accountId: z.string().describe("As the configuration states it"),
      callerAccountId: checked(z.string()).describe("As sts:GetCallerIdentity says"),
      endpoint: z.string(),
      endpointIsOurs: checked(z.boolean()),
      authorizers: z.array(
        z.strictObject({
          name: z.string(),
          state: checked(z.string()).describe("Last modification, and a checksum of its keys"),
        }),
      ),
    }),
  ),
});

export const resultSchema = z.strictObject({
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
  expectation: z.enum(["allow", "deny"]),
  authorizer,
  authorizerName: z.string().nullable(),
  authorizerError: z.strictObject({ why: z.string(), code: z.string(), message: z.string() }).nullable(),
  policyHash: z.string().nullable().describe("SHA-256 of the returned policy documents, credentials masked"),
  principalId: z.string().nullable(),
  refreshAfterSeconds: z.number().nullable(),
  disconnectAfterSeconds: z.number().nullable(),
  prediction: z.enum(["allow", "deny", "unknown"]).describe("What the returned policy documents permit"),
  gateway,
  gatewayHow: z.enum(["code", "status", "closed"]).nullable(),
  gatewayCode: z.number().nullable().describe("CONNACK code or HTTP status"),
  gatewayReason: z.string().nullable(),
  verdict: z.enum(VERDICTS),
  causes: z.array(z.strictObject({ code, evidence: z.string(), nextStep: z.string() })),
  topics: z
    .array(
      z.strictObject({
        action: z.enum(TOPIC_ACTIONS),
        topic: z.string().describe("A topic filter for subscribe"),
        expected: z.enum(["allow", "deny"]),
        predicted: z.enum(["allow", "deny", "unknown"]).describe("What the returned policies say"),
        gateway: z.enum(["allowed", "denied", "unanswered", "not-tried"]).describe("What the gateway did"),
        evidence: z.string(),
      }),
    )
    .describe("What the profile expects of topics, what a preset needs last"),
  secondAttempts: z
    .array(
      z.strictObject({
        variation: z.enum(VARIATIONS).describe("What was changed"),
        gateway,
        gatewayHow: z.enum(["code", "status", "closed"]).nullable(),
        gatewayCode: z.number().nullable(),
      }),
    )
    .describe("What became of a device that was kept out, with one thing changed"),
  guard: z
    .strictObject({
      state: z.enum(["connected", "offline", "unknown"]),
      via: z.enum(["GetConnection", "GetThingConnectivityData"]).nullable(),
      evidence: z.string().describe("What AWS said, or why the state is not known"),
      connected: z.boolean().describe("Was the gateway connected to?"),
      sessionPresent: z.boolean().nullable().describe("CONNACK's flag; null where there was none"),
    })
    .nullable()
    .describe("What was done about a client id that a live device may use; null: nothing was asked"),
  tls: z.strictObject({ version: z.string(), cipher: z.string(), address: z.string() }).nullable(),
  certificateExpiresAt: z.iso.datetime().nullable(),
  timings: z.strictObject({
    invokeSeconds: seconds.nullable(),
    phases: z.partialRecord(z.enum(PHASES), seconds).describe("Seconds, in the order they happened"),
    discarded: z
      .array(z.enum(TIMED_PARTS))
      .optional()
      .describe("Left out above, because fleet-smoke was too busy to take them well"),
  }),
});

/** What docs/report.schema.json describes. */
export const reportSchema = z
  .strictObject({
    runId: z.string(),
    suite: z.string(),
    status: z.enum(RUN_STATUSES),
    decision: decision.nullable(),
    reason: z.string(),
    startedAt: z.iso.datetime(),
    decidedAt: z.iso.datetime().nullable(),
    durationSeconds: seconds,
    counts,
    rules: z.array(rule),
    agreement: z.array(z.strictObject({ authorizer, gateway, checks: count })),
    groups: z.array(group),
    causes: z.array(
      z.strictObject({
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
    latency: z.array(
      z.strictObject({
        protocol: z.string(),
        phase: z.string(),
        samples: count,
        p50: seconds,
        p95: seconds,
        p99: seconds,
        max: seconds,
      }),
    ),
    timesDiscarded: count.optional().describe("Checks of which times are left out"),
    preflight: z
      .array(
        z.strictObject({
          target: z.string(),
          what: z.string().describe("The API call, or dns, tls, certificate, clock"),
          state: z.enum(["ok", "problem", "not-checked"]),
          detail: z.string(),
        }),
      )
      .describe("What was looked at before the first check"),
    selection: z
      .strictObject({
        cohorts: z.array(z.string()).nullable().describe("null: the suite's own"),
        devices: z.array(z.string()).nullable().describe("null: all"),
        allowDeviceIdentity: count.describe("Checks of live devices that may connect if it is safe"),
        sample: sampleSize.optional().describe("Left out: every device"),
      })
      .describe(
        "What of the suite was asked for: with cohorts, devices or a sample the decision is not the suite's",
      ),
    sample: z
      .strictObject({
        size: sampleSize,
        seed: z.string(),
        devices: count,
        ofDevices: count,
        bounds: z.array(sampleBound),
      })
      .optional()
      .describe("What was drawn, and which failure rates that excludes; left out: nothing was left out"),
    disagreement: z
      .array(sampleBound)
      .optional()
      .describe("Of authorizer: sample, which rates of disagreement with the gateway are excluded"),
    drift: drift
      .nullable()
      .describe("Against the last go run of the suite; null: there is none to compare with"),
    fingerprint: fingerprint.nullable().describe("What the decision is bound to; null: not known"),
    notes: z.array(z.string()),
    results: z.array(resultSchema).describe("In plan order"),
  })
  .meta({
    title: "fleet-smoke report",
    description: "Written by `fleet-smoke run --report json=PATH`. Later versions may add fields.",
  }) satisfies z.ZodType<JsonReport>;

/** JSON Schema, draft 2020-12. Readers must bear fields that later versions add, so it does not forbid any. */
export function reportJsonSchema(): unknown {
  return z.toJSONSchema(reportSchema, {
    target: "draft-2020-12",
    override: ({ jsonSchema }) => {
      delete jsonSchema.additionalProperties;
    },
  });
}
