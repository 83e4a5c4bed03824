import { quotaOwner } from "../../lib/pacing.ts";
import type { Target } from "../../model/target.ts";

/** What one process does at least, whole checks over TLS. */
const CHECKS_PER_SECOND = 100;

/**
 * Worker processes that are worth starting: no more than the connections that budgets allow keep busy, and a processor
 * is left for the parent, which paces, records and counts.
 */
export function howMany(workers: number | "auto", targets: readonly Target[], processors: number): number {
  if (workers !== "auto") return workers;
  const rates = new Map<string, number>();
  for (const target of targets) {
    const owner = quotaOwner(target);
    const { connectsPerSecond } = target.budgets;
    rates.set(owner, Math.min(rates.get(owner) ?? connectsPerSecond, connectsPerSecond));
  }
  const perSecond = [...rates.values()].reduce((all, rate) => all + rate, 0);
  return Math.max(1, Math.min(processors - 1, Math.ceil(perSecond / CHECKS_PER_SECOND)));
}
