import type { ReadyTarget } from "../../src/model/target.ts";
import { targetOf } from "../support/fixtures.ts";

export const LEASE_MARGIN_MS = 1200;

/** Connections of half a second at most: who dies blocks a client id for not much longer. */
export function holderTarget(): ReadyTarget {
  const budgets = { invokesPerSecond: 200, connectsPerSecond: 200, burst: 1 };
  return targetOf({ budgets, timeouts: { invokeMs: 1000, probeMs: 500 } });
}
