import type { GateRules, GroupTally, LatencyTally } from "../model/gate.ts";
import { boundsOf, boundsOfWhole } from "./bound.ts";
import { evaluateRules } from "./rules.ts";
import { loosest, rulesOf, sum } from "./whole.ts";

/** A run under way: what one cohort × target came to, and how many of its checks are still to come. */
export interface Unfinished {
  readonly group: GroupTally;
  readonly left: number;
}

export interface LostInput {
  readonly groups: readonly Unfinished[];
  readonly rules: GateRules;
  readonly cohortRules: Readonly<Record<string, Partial<GateRules>>>;
}

/** Rules that more checks can make no worse than they are now, and no better than if each of them passed. */
const FORESEEABLE: ReadonlySet<string> = new Set([
  "minPassRatio",
  "maxFailures",
  "maxUnexpectedAccepts",
  "derivedFailures",
]);

const UNTIMED: LatencyTally = { connectP95Seconds: null, authorizerP95Seconds: null };

/**
 * The rule that makes the run a no-go whatever the checks that are left come to, in words; null: none does. It is
 * unmet also if they are left out: without their passes, what failed weighs more.
 */
export function lostRule({ groups, rules, cohortRules }: LostInput): string | null {
  const atBest = groups.map(({ group, left }) => ({ ...group, pass: group.pass + left }));
  for (const group of atBest) {
    const { cohort, target } = group;
    const lost = firstUnmet(group, rulesOf(group, rules, cohortRules), { cohort, target }, boundsOf(group));
    if (lost !== null) return `${cohort} on ${target}: ${lost}`;
  }
  const whole = sum(atBest, 0, UNTIMED);
  const everything = { cohort: null, target: null };
  return firstUnmet(whole, loosest(atBest, rules, cohortRules), everything, boundsOfWhole(atBest));
}

function firstUnmet(...input: Parameters<typeof evaluateRules>): string | null {
  const unmet = evaluateRules(...input).find(
    ({ rule, met, unmetMeans }) => !met && unmetMeans === "no-go" && FORESEEABLE.has(rule),
  );
  return unmet?.rule ?? null;
}
