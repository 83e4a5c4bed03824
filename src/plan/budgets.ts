import { INVOKES_PER_SECOND } from "../lib/aws-limits.ts";
import { HEADROOM, quotaOwner } from "../lib/pacing.ts";
import { realm } from "../lib/words.ts";
import type { PlanBudget, PlanGroup } from "../model/plan.ts";
import type { Target } from "../model/target.ts";

/** One for TestInvokeAuthorizer and one for connections of each account and Region that the run works with. */
export function budgetsOf(groups: readonly PlanGroup[], targets: readonly Target[]): PlanBudget[] {
  return [...Map.groupBy(targets, quotaOwner).values()].flatMap((sharing) => {
    const [first] = sharing;
    const own = groups.filter(({ target }) => sharing.some(({ name }) => name === target));
    if (first === undefined || own.length === 0) return [];
    const { partition, accountId, region } = first;
    const burst = least(sharing, "burst");
    const budget = (operation: PlanBudget["operation"], calls: number, limit: number): PlanBudget => {
      const perSecond = limit * HEADROOM;
      const isQuota = operation === "TestInvokeAuthorizer" && sharing.some((each) => realm(each) === "aws");
      const shareOfQuota = isQuota ? (limit / INVOKES_PER_SECOND) * HEADROOM : null;
      const leastSeconds = Math.max(0, calls - burst) / perSecond;
      return { partition, accountId, region, operation, calls, perSecond, shareOfQuota, leastSeconds };
    };
    return [
      budget("TestInvokeAuthorizer", both(own, "apiCalls"), least(sharing, "invokesPerSecond")),
      budget("Connect", both(own, "connects"), least(sharing, "connectsPerSecond")),
    ];
  });
}

function both(groups: readonly PlanGroup[], field: "apiCalls" | "connects"): number {
  return groups.reduce((all, group) => all + group[field] + group.derived[field], 0);
}

function least(targets: readonly Target[], limit: keyof Target["budgets"]): number {
  return Math.min(...targets.map(({ budgets }) => budgets[limit]));
}
