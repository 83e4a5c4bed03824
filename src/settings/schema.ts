import { z } from "zod";
import { DERIVED_KINDS } from "../model/check.ts";
import { SCOPES } from "../model/config.ts";
import { DECISIONS } from "../model/gate.ts";
import * as leaf from "./leaves.ts";
import { expected, plainWords } from "./words.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

/** An object whose unknown keys are errors that name the known ones. */
function section<const Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys" ? `unknown key; expected one of: ${keys}` : plainWords(issue),
  });
}

const target = section({
  name: leaf.name,
  region: leaf.region,
  accountId: leaf.accountId,
  endpoint: leaf.endpoint.optional(),
  address: leaf.address.optional(),
  addressFamily: z.literal([4, 6, "any"]).default("any"),
  port: leaf.wholeNumber(1, 65_535, "a port").default(443),
  caFile: leaf.filePath.optional(),
  controlPlaneEndpoint: leaf.controlPlaneEndpoint.optional(),
  queryStringMark: leaf.flag.default(true),
  sourceIp: leaf.ipAddress.optional(),
  budgets: section({
    invokesPerSecond: leaf.perSecond.default(10),
    connectsPerSecond: leaf.perSecond.default(10),
    burst: leaf.wholeNumber(1, 10_000).default(1),
  }).prefault({}),
  serviceQuotas: leaf.flag.default(false),
  concurrency: leaf.wholeNumber(1, 10_000).default(50),
  timeouts: section({
    invoke: leaf.duration(10, 10 * MINUTE).prefault("10s"),
    probe: leaf.duration(10, 10 * MINUTE).prefault("10s"),
  }).prefault({}),
});

const profileSource = section({
  path: leaf.line("a file, a folder, a glob, or - for standard input"),
  identity: z.enum(["dedicated", "device"]).optional(),
  clientIdSuffix: leaf.shortLine.default(""),
  credentials: section({
    exec: z.tuple([leaf.line("a command")], leaf.argument, {
      error: expected("a list: a command and its arguments"),
    }),
  }).optional(),
});

const rules = {
  minChecks: leaf.wholeNumber(0, 100_000_000),
  minPassRatio: leaf.ratio,
  maxUnexpectedAccepts: leaf.wholeNumber(0, 100_000_000),
  maxInconclusiveRatio: leaf.ratio,
  minCoverage: leaf.ratio,
  maxAge: leaf.duration(SECOND, 30 * DAY),
} as const;

/** Off where they are left out. */
const optionalRules = {
  maxFailures: leaf.wholeNumber(0, 100_000_000).optional(),
  maxConnectP95: leaf.duration(1, 10 * MINUTE).optional(),
  maxAuthorizerP95: leaf.duration(1, 10 * MINUTE).optional(),
  maxNewFailures: leaf.wholeNumber(0, 100_000_000).optional(),
} as const;

const gate = section({
  minChecks: rules.minChecks.default(1),
  minPassRatio: rules.minPassRatio.default(1),
  maxUnexpectedAccepts: rules.maxUnexpectedAccepts.default(0),
  maxInconclusiveRatio: rules.maxInconclusiveRatio.default(0),
  minCoverage: rules.minCoverage.default(1),
  maxAge: rules.maxAge.prefault("15m"),
  ...optionalRules,
  requirePolicyUnchanged: leaf.flag.default(false),
});

const cohortGate = section({
  minChecks: rules.minChecks.optional(),
  minPassRatio: rules.minPassRatio.optional(),
  maxUnexpectedAccepts: rules.maxUnexpectedAccepts.optional(),
  maxInconclusiveRatio: rules.maxInconclusiveRatio.optional(),
  minCoverage: rules.minCoverage.optional(),
  maxAge: rules.maxAge.optional(),
  ...optionalRules,
  requirePolicyUnchanged: leaf.flag.optional(),
});

const suite = section({
  name: leaf.name,
  cohorts: z
    .array(leaf.cohort)
    .min(1, { error: "an empty list selects nothing; leave the key out for all" })
    .optional(),
  expected: z.record(leaf.cohort, leaf.wholeNumber(1, 100_000_000, "a number of checks")).optional(),
  authorizer: z.enum(["every", "sample", "on-disagreement"]).default("every"),
  derived: section({
    perCohort: leaf.wholeNumber(0, 1_000).default(1),
    decoys: z.array(leaf.line("the id of a profile")).default([]),
    kinds: z
      .array(z.enum(DERIVED_KINDS))
      .min(1, { error: "an empty list derives nothing; `perCohort: 0` says so, leave the key out for all" })
      .optional(),
  }).prefault({}),
  locations: z.array(leaf.name).default([]),
  deadline: leaf.duration(100, 7 * DAY).prefault("2h"),
  failFast: leaf.flag.default(false),
  gate: gate.prefault({}),
  cohortGates: z.record(leaf.cohort, cohortGate).prefault({}),
});

const scheduleEntry = section({
  suite: leaf.name,
  cron: leaf.cron,
  timezone: leaf.timezone.default("UTC"),
});

const http = section({
  listen: leaf.listen.default("127.0.0.1:9464"),
  tls: section({ certFile: leaf.filePath, keyFile: leaf.filePath }).optional(),
  allowedHosts: z.array(leaf.allowedHost).default([]),
  tokens: z
    .array(
      section({
        name: leaf.name,
        tokenFile: leaf.filePath,
        scopes: z.array(z.enum(SCOPES)).min(1, { error: `expected at least one of ${SCOPES.join(", ")}` }),
      }),
    )
    .default([]),
});

const store = section({
  path: leaf.filePath.default("data/fleet-smoke.db"),
  keepRuns: leaf.wholeNumber(1, 1_000_000).default(200),
  keepDays: leaf.wholeNumber(1, 36_500).default(90),
  maxSizeMb: leaf.wholeNumber(10, 1_000_000).default(2_000),
});

const WORKERS = "a whole number from 1 to 256, or auto";

const queue = z.discriminatedUnion(
  "kind",
  [
    section({
      kind: z.literal("local"),
      workers: z.union([z.int().min(1).max(256), z.literal("auto")], { error: expected(WORKERS) }).default(1),
    }),
    section({
      kind: z.literal("bullmq"),
      redis: leaf.redisUrl,
      caFile: leaf.filePath.optional(),
      prefix: leaf.name.default("fleet-smoke"),
    }),
  ],
  {
    error: (issue) =>
      issue.code === "invalid_union" ? "expected `kind` to be one of local, bullmq" : plainWords(issue),
  },
);

const webhook = section({
  url: leaf.webhookUrl,
  secretFile: leaf.filePath,
  on: z
    .array(z.enum(DECISIONS))
    .min(1, { error: `expected at least one of ${DECISIONS.join(", ")}` })
    .default(["no-go", "inconclusive"]),
});

/** The configuration file as written (design 6.2); durations come out in milliseconds. */
export const configSchema = section({
  targets: z.array(target).min(1),
  profiles: z.array(profileSource).min(1),
  suites: z
    .array(suite)
    .min(1, { error: "expected at least 1 entry; leave the key out for one suite `all`" })
    .optional(),
  schedule: z.array(scheduleEntry).default([]),
  http: http.prefault({}),
  store: store.optional(),
  queue: queue.optional(),
  notify: z.array(webhook).default([]),
});

export const suiteSchema = suite;

export type ConfigSection = z.output<typeof configSchema>;
export type TargetSection = ConfigSection["targets"][number];
export type ProfileSourceSection = ConfigSection["profiles"][number];
export type SuiteSection = z.output<typeof suite>;
export type GateSection = z.output<typeof gate>;
export type CohortGateSection = z.output<typeof cohortGate>;
