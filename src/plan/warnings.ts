import { INVOKES_PER_SECOND } from "../lib/aws-limits.ts";
import { formatDuration } from "../lib/duration.ts";
import { HEADROOM } from "../lib/pacing.ts";
import { realm } from "../lib/words.ts";
import type { Suite } from "../model/config.ts";
import type {
  PlanBudget,
  PlanFloor,
  PlanGroup,
  PlanSample,
  PlanWarning,
  PlanWarningKind,
} from "../model/plan.ts";
import type { Target } from "../model/target.ts";
import type { Counted, HarmCounts } from "./count.ts";

export interface WarningInput {
  readonly counted: Counted;
  readonly targets: readonly Target[];
  readonly suite: Suite;
  readonly budgets: readonly PlanBudget[];
  readonly duration: PlanFloor;
  /** Of a sample: what it would exclude at best. */
  readonly sample: PlanSample | null;
}

/** Names listed before the rest is only counted. */
const MAX_NAMES = 5;

/** What a person should know before the run, the devices' safety first. */
export function planWarnings(input: WarningInput): PlanWarning[] {
  const { counted, suite, duration } = input;
  if (counted.profiles === 0) {
    return [{ kind: "nothing-selected", count: 0, message: `suite ${suite.name} selects no profile` }];
  }
  return [
    ...harmWarnings(counted.harm),
    ...coverageWarning(counted.groups, suite),
    ...sampleWarning(input),
    ...invokeBudgetWarning(input),
    ...deadlineWarning(duration, suite),
    ...concurrencyWarning(input),
  ];
}

type HarmText = readonly [kind: PlanWarningKind, field: keyof HarmCounts, message: string];

const HARM: readonly HarmText[] = [
  [
    "mixed-identity",
    "mixedIdentity",
    "a client id is `dedicated` on one target and `device` on another of the same account: if a live device uses it, the connection throws that device out",
  ],
  [
    "device-identity",
    "device",
    "identity is `device`: the gateway is left alone, and the checks count against coverage",
  ],
  [
    "shared-client-id",
    "sharedClientId",
    "the client id of an earlier profile is used again: its connections wait for each other, a second apart",
  ],
  [
    "persistent-session",
    "persistentSession",
    "cleanSession is false or sessionExpirySeconds above 0: a session stays behind, and one that exists gives up its queued messages",
  ],
  ["will", "will", "a will is set: it is published when a connection breaks"],
  [
    "https-publish",
    "httpsPublish",
    "https publishes a message to the profile's topic, whoever listens there",
  ],
];

function harmWarnings(harm: HarmCounts): PlanWarning[] {
  return HARM.map(([kind, field, message]) => ({ kind, count: harm[field], message })).filter(
    ({ count }) => count > 0,
  );
}

/** A cohort of a target, or of all targets where the suite says how many checks it expects of the cohort. */
function coverageWarning(groups: readonly PlanGroup[], suite: Suite): PlanWarning[] {
  const stated = suite.expected ?? {};
  const keyOf = ({ cohort, target }: PlanGroup) =>
    Object.hasOwn(stated, cohort) ? cohort : `${cohort} on ${target}`;
  const parts = Map.groupBy(groups, keyOf);
  const absent = Object.keys(stated).filter((cohort) => !groups.some((group) => group.cohort === cohort));
  const short = [...parts].filter(([, part]) => isShort(part, suite)).map(([name]) => name);
  const names = [...short, ...absent];
  if (names.length === 0) return [];
  const listed = names.slice(0, MAX_NAMES).join(", ") + (names.length > MAX_NAMES ? ", …" : "");
  const message = `too few checks can reach the gateway for minCoverage, so that the run cannot be a go: ${listed}`;
  return [{ kind: "coverage", count: names.length, message }];
}

function isShort(part: readonly PlanGroup[], { expected, gate, cohortGates }: Suite): boolean {
  const cohort = part[0]?.cohort ?? "";
  const checks = part.reduce((all, each) => all + each.checks, 0);
  const reaching = part.reduce((all, each) => all + each.checks - each.guarded, 0);
  const minCoverage = cohortGates[cohort]?.minCoverage ?? gate.minCoverage;
  return reaching < minCoverage * (expected?.[cohort] ?? checks);
}

function sampleWarning({ sample, suite }: WarningInput): PlanWarning[] {
  const { gate, cohortGates } = suite;
  const weak = (sample?.groups ?? []).filter(({ cohort, failureRate }) => {
    const own = Object.hasOwn(cohortGates, cohort) ? cohortGates[cohort] : undefined;
    return 1 - failureRate < (own?.minPassRatio ?? gate.minPassRatio);
  });
  if (weak.length === 0) return [];
  const listed = weak.slice(0, MAX_NAMES).map(({ cohort, target }) => `${cohort} on ${target}`);
  const places = listed.join(", ") + (weak.length > MAX_NAMES ? ", …" : "");
  const message = `the sample is too small to show minPassRatio, so that the run cannot be a go: ${places}`;
  return [{ kind: "sample", count: weak.length, message }];
}

function invokeBudgetWarning({ targets, counted }: WarningInput): PlanWarning[] {
  const used = targetsInUse(targets, counted.groups);
  const above = used.filter(
    (target) => realm(target) === "aws" && target.budgets.invokesPerSecond > INVOKES_PER_SECOND,
  );
  if (above.length === 0) return [];
  const message = `invokesPerSecond is above the ${INVOKES_PER_SECOND} TestInvokeAuthorizer calls a second that AWS grants and never raises: ${names(above)}`;
  return [{ kind: "invoke-budget", count: above.length, message }];
}

function deadlineWarning({ seconds }: PlanFloor, { deadlineMs }: Suite): PlanWarning[] {
  if (seconds * 1000 <= deadlineMs) return [];
  const message = `the suite's deadline of ${formatDuration(deadlineMs)} comes before all checks can be done`;
  return [{ kind: "deadline", count: 1, message }];
}

/** With a check in flight for longer than this, the budget is not used up. */
const SLOW_CHECK_SECONDS = 1;

function concurrencyWarning({ targets, counted }: WarningInput): PlanWarning[] {
  const narrow = targetsInUse(targets, counted.groups).filter(({ name, concurrency, budgets }) => {
    const checks = counted.groups.reduce((all, each) => all + (each.target === name ? each.checks : 0), 0);
    const perSecond = Math.min(budgets.invokesPerSecond, budgets.connectsPerSecond) * HEADROOM;
    return concurrency < checks && concurrency < perSecond * SLOW_CHECK_SECONDS;
  });
  if (narrow.length === 0) return [];
  const message = `concurrency, not the budget, decides as soon as a check takes ${SLOW_CHECK_SECONDS} s: ${names(narrow)}`;
  return [{ kind: "concurrency", count: narrow.length, message }];
}

function targetsInUse(targets: readonly Target[], groups: readonly PlanGroup[]): Target[] {
  return targets.filter(({ name }) => groups.some(({ target }) => target === name));
}

function names(targets: readonly Target[]): string {
  return targets.map(({ name }) => name).join(", ");
}
