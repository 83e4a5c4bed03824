import type { Drift, LatencyShift } from "../model/drift.ts";
import type { LatencyRow } from "../model/run.ts";
import type { Compared } from "./memory.ts";

/** What is shown of a comparison. Protocols that only one of the runs has are left out of the latency. */
export function driftOf({ drift, latency: before }: Compared, now: readonly LatencyRow[]): Drift {
  const latency = now.flatMap((row): LatencyShift[] => {
    if (!isWhole(row)) return [];
    const earlier = before.find((each) => isWhole(each) && each.protocol === row.protocol);
    return earlier === undefined ? [] : [{ protocol: row.protocol, before: earlier.p95, now: row.p95 }];
  });
  return { ...drift, latency };
}

/** The whole connection, or the authorizer's answer. */
function isWhole({ phase }: LatencyRow): boolean {
  return phase === "total" || phase === "invoke";
}
