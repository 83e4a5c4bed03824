import { CONFIDENCE, failureRateBound } from "../lib/failure-bound.ts";
import { CLIENT_REST_MS, KEEP_ANSWER_MS, SAMPLED_CLIENT_IDS } from "../lib/pacing.ts";
import type { Suite } from "../model/config.ts";
import type { DerivedCost, Plan, PlanBudget, PlanFloor, PlanGroup, PlanSample } from "../model/plan.ts";
import type { Profile } from "../model/profile.ts";
import type { Selection } from "../model/run.ts";
import type { RunSample } from "../model/sample.ts";
import type { Target } from "../model/target.ts";
import { budgetsOf } from "./budgets.ts";
import { type Counted, PlanCounter } from "./count.ts";
import { choose, type Drawn, type DrawnGroup } from "./sample.ts";
import { isSelected } from "./select.ts";
import { planWarnings } from "./warnings.ts";

export interface PlanInput {
  /** Reads the valid profiles from the start. */
  readonly profiles: () => AsyncIterable<Profile>;
  /** All of the configuration: a limit of one holds for each that shares its account and Region. */
  readonly targets: readonly Target[];
  readonly suite: Suite;
  readonly selection: Selection;
}

/**
 * What a run would do, at most: each check asks TestInvokeAuthorizer once and connects once, and both invoke the
 * authorizer's Lambda, unless a signature is refused before it. Its duration is a floor, from budgets and client
 * ids alone. A sample is drawn with another seed than the run's. Reads the profiles as a stream; asks nobody.
 */
export async function estimatePlan({ profiles, targets, suite, selection }: PlanInput): Promise<Plan> {
  const counter = new PlanCounter(targets, suite.derived);
  const { choice, drawn } = await choose({ suite, selection, targets, profiles, seed: "plan" });
  for await (const profile of profiles()) {
    if (isSelected(profile, suite, selection) && choice.includes(profile)) {
      counter.add(profile, choice.asks(profile));
    }
  }
  const counted = counter.result();
  const { groups } = counted;
  const budgets = budgetsOf(groups, targets);
  const duration = floorOf(budgets, counted);
  const sample = drawn === null || drawn.sample === null ? null : planSample(drawn, drawn.sample);
  const held = sample === null ? suite : { ...suite, expected: dueOf(suite, drawn?.groups ?? []) };
  return {
    suite: suite.name,
    profiles: counted.profiles,
    checks: sum(groups, "checks"),
    guarded: sum(groups, "guarded"),
    apiCalls: {
      TestInvokeAuthorizer: sum(groups, "apiCalls"),
      ...describeCalls(counted, targets, suite, duration.seconds),
    },
    connects: sum(groups, "connects"),
    lambdaInvocations: sum(groups, "lambdaInvocations"),
    derived: {
      checks: sumDerived(groups, "checks"),
      apiCalls: sumDerived(groups, "apiCalls"),
      connects: sumDerived(groups, "connects"),
      lambdaInvocations: sumDerived(groups, "lambdaInvocations"),
    },
    duration,
    groups,
    budgets,
    authorizer: suite.authorizer,
    ...(sample && { sample }),
    warnings: planWarnings({ counted, targets, suite: held, budgets, duration, sample }),
  };
}

/** What the sample would show, should none of it fail. */
function planSample({ groups, remarks }: Drawn, { devices, ofDevices }: RunSample): PlanSample {
  const parts = groups.map(({ target, cohort, sample }) => {
    const failureRate = failureRateBound(0, sample);
    return { target, cohort, devices: sample.devices, ofDevices: sample.ofDevices, failureRate };
  });
  return { devices, ofDevices, confidence: CONFIDENCE, groups: parts, remarks };
}

/** A sample is held to its part of what a suite expects of a cohort. */
function dueOf({ expected }: Suite, groups: readonly DrawnGroup[]): Suite["expected"] {
  if (expected === null) return null;
  const due = Object.entries(expected).map(([cohort, checks]): [string, number] => {
    const own = groups.filter((group) => group.cohort === cohort);
    const total = (field: "checks" | "ofChecks") => own.reduce((all, { sample }) => all + sample[field], 0);
    return [
      cohort,
      total("ofChecks") === 0 ? checks : Math.ceil((checks * total("checks")) / total("ofChecks")),
    ];
  });
  return Object.fromEntries(due);
}

type NumberField = "checks" | "guarded" | "apiCalls" | "connects" | "lambdaInvocations";

function sum(groups: readonly PlanGroup[], field: NumberField): number {
  return groups.reduce((all, group) => all + group[field], 0);
}

function sumDerived(groups: readonly PlanGroup[], field: keyof DerivedCost): number {
  return groups.reduce((all, { derived }) => all + derived[field], 0);
}

/** Accounts and operations are worked through side by side: the longest decides. */
function floorOf(
  budgets: readonly PlanBudget[],
  { mostConnectsOfOneId, mostDerivedOfOneId }: Counted,
): PlanFloor {
  const rests = Math.max(0, mostConnectsOfOneId - 1, mostDerivedOfOneId);
  const ofIds = (rests * CLIENT_REST_MS) / 1000;
  let floor: PlanFloor =
    ofIds > 0 ? { seconds: ofIds, limitedBy: "client-id" } : { seconds: 0, limitedBy: null };
  for (const { leastSeconds, operation } of budgets) {
    if (leastSeconds > floor.seconds) floor = { seconds: leastSeconds, limitedBy: operation };
  }
  return floor;
}

/** Questions about targets and authorizers; their answers are kept a while, and shared by all checks. */
function describeCalls(
  { groups, needsDefault, authorizers }: Counted,
  targets: readonly Target[],
  { derived }: Suite,
  seconds: number,
): Record<string, number> {
  const used = targets.filter(({ name }) => groups.some(({ target }) => target === name));
  const times = Math.max(1, Math.ceil((seconds * 1000) / KEEP_ANSWER_MS));
  // Whether a device without a name is refused can only be tried where there is no default.
  const asksDefault = derived?.kinds.includes("no-authorizer") && authorizers > 0;
  const lacking = asksDefault ? used : used.filter(({ name }) => needsDefault.has(name));
  const calls = {
    // Kept for good.
    DescribeEndpoint: used.length,
    DescribeDomainConfiguration: used.length * times,
    DescribeDefaultAuthorizer: lacking.length * times,
    GetConnection: used.reduce((all, { name }) => all + sampled(groups, name), 0),
    DescribeAuthorizer: (authorizers + used.filter(({ name }) => needsDefault.has(name)).length) * times,
  };
  return Object.fromEntries(Object.entries(calls).filter(([, count]) => count > 0));
}

/** Dedicated client ids of a target that are looked up before the run; over https there are none. */
function sampled(groups: readonly PlanGroup[], name: string): number {
  const own = groups.filter(({ target, protocol }) => target === name && protocol !== "https");
  return Math.min(SAMPLED_CLIENT_IDS, sum(own, "checks") - sum(own, "guarded"));
}
