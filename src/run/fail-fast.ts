import type { Suite } from "../model/config.ts";
import type { GroupTally } from "../model/gate.ts";
import type { ExpectedGroup } from "./expected.ts";
import { groupKey } from "./group-key.ts";

/** The rule that makes a run a no-go whatever is left of it comes to, in words; null: none does. */
export type LostRuleFn = (input: {
  readonly groups: readonly { readonly group: GroupTally; readonly left: number }[];
  readonly rules: Suite["gate"];
  readonly cohortRules: Suite["cohortGates"];
}) => string | null;

/** Is it certain by now that a suite with `failFast` is a no-go? In words; null: it is not, or it does not matter. */
export function whyLost(
  suite: Suite,
  counted: readonly GroupTally[],
  expected: readonly ExpectedGroup[],
  lostRule: LostRuleFn,
): string | null {
  if (!suite.failFast) return null;
  const planned = new Map(expected.map((each) => [groupKey(each.target, each.cohort), each.planned]));
  const groups = counted.map((group) => {
    const { target, cohort, pass, fail, inconclusive, skipped } = group;
    const all = planned.get(groupKey(target, cohort)) ?? 0;
    return { group, left: Math.max(0, all - pass - fail - inconclusive - skipped) };
  });
  return lostRule({ groups, rules: suite.gate, cohortRules: suite.cohortGates });
}
