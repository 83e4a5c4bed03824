import type { GateRules, GroupTally, LatencyTally, Tally } from "../model/gate.ts";

/* What the parts of a run come to together, and what that is held to. */

type CohortRules = Readonly<Record<string, Partial<GateRules>>>;

/** What holds for one group: the suite's rules, less what its cohort states. */
export function rulesOf(
  { cohort }: Pick<GroupTally, "cohort">,
  rules: GateRules,
  cohortRules: CohortRules,
): GateRules {
  return { ...rules, ...(Object.hasOwn(cohortRules, cohort) ? cohortRules[cohort] : {}) };
}

/** Adds the groups up to the whole. */
export function sum(groups: readonly Tally[], invalid: number, latency: LatencyTally): Tally {
  const total = (
    field: Exclude<keyof Tally, keyof LatencyTally | "newFailures" | "policyChanges" | "sample" | "asked">,
  ) => groups.reduce((all, group) => all + group[field], 0);
  return {
    pass: total("pass"),
    fail: total("fail"),
    inconclusive: total("inconclusive"),
    skipped: total("skipped"),
    notRun: total("notRun"),
    unexpectedAccepts: total("unexpectedAccepts"),
    expected: total("expected"),
    derived: total("derived"),
    derivedFailed: total("derivedFailed"),
    invalid,
    ...latency,
    newFailures: totalKnown(groups.map(({ newFailures }) => newFailures)),
    policyChanges: totalKnown(groups.map(({ policyChanges }) => policyChanges)),
  };
}

/** null: nothing was measured anywhere. Where only a part was, the other parts answer for themselves. */
function totalKnown(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length === 0 ? null : known.reduce((all, value) => all + value, 0);
}

/**
 * The whole is held to the loosest threshold that holds for any of its parts: a cohort that was given a lower
 * bar on purpose must not fail the whole, and each part still answers for itself. A rule that is off somewhere is
 * off for the whole.
 */
export function loosest(
  groups: readonly Pick<GroupTally, "cohort">[],
  rules: GateRules,
  cohortRules: CohortRules,
): GateRules {
  const present = [rules, ...groups.map((group) => rulesOf(group, rules, cohortRules))];
  const lowest = (field: "minChecks" | "minPassRatio" | "minCoverage" | "maxAgeMs") =>
    present.reduce((least, each) => Math.min(least, each[field]), rules[field]);
  const highest = (field: "maxUnexpectedAccepts" | "maxInconclusiveRatio") =>
    present.reduce((most, each) => Math.max(most, each[field]), rules[field]);
  const highestOn = (field: "maxFailures" | "maxConnectP95Ms" | "maxAuthorizerP95Ms" | "maxNewFailures") =>
    present.reduce<number | null>((most, each) => {
      const threshold = each[field];
      return most === null || threshold === null ? null : Math.max(most, threshold);
    }, rules[field]);
  return {
    minChecks: lowest("minChecks"),
    minPassRatio: lowest("minPassRatio"),
    minCoverage: lowest("minCoverage"),
    maxUnexpectedAccepts: highest("maxUnexpectedAccepts"),
    maxInconclusiveRatio: highest("maxInconclusiveRatio"),
    maxFailures: highestOn("maxFailures"),
    maxConnectP95Ms: highestOn("maxConnectP95Ms"),
    maxAuthorizerP95Ms: highestOn("maxAuthorizerP95Ms"),
    maxNewFailures: highestOn("maxNewFailures"),
    requirePolicyUnchanged: present.every(({ requirePolicyUnchanged }) => requirePolicyUnchanged),
    maxAgeMs: lowest("maxAgeMs"),
  };
}
