import type { Drift, DriftItem, LatencyShift } from "../model/drift.ts";
import { latency } from "./numbers.ts";

/** One line of what changed since the last go run. */
export interface DriftRow {
  readonly what: string;
  readonly checks: number;
  readonly examples: readonly string[];
}

/** What changed, most urgent first; nothing of what did not. */
export function driftRows(drift: Drift): readonly DriftRow[] {
  const rows: readonly (readonly [string, DriftItem | null])[] = [
    ["newly failing", drift.newlyFailing],
    ["missing devices", drift.newlyMissing],
    ["another policy", drift.policyChanged],
    ["another principalId", drift.principalIdChanged],
    ["other refresh or disconnect time", drift.timesChanged],
    ["recovered", drift.recovered],
  ];
  return rows.flatMap(([what, item]) => (item === null || item.checks === 0 ? [] : [{ what, ...item }]));
}

/** How much the 95th percentiles moved, in words. */
export function latencyShifts({ latency: shifts }: Drift): string {
  return shifts.map((shift) => `${shift.protocol} ${moved(shift)}`).join(", ");
}

function moved({ before, now }: LatencyShift): string {
  return `${latency(now)} (was ${latency(before)})`;
}
