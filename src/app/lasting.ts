import { createMetrics, type Metrics } from "../metrics/metrics.ts";
import type { DerivedLedger } from "../model/ports.ts";
import { createDerivedLedger } from "../run/derived-ledger.ts";
import { createPacer, type RunPacer } from "../run/pacer.ts";
import type { PauseGate } from "../run/pause.ts";

export const LOCATION = "local";

/**
 * What outlives a configuration: counters go on, and budgets, the rest of client ids and what was spent on derived
 * checks hold across a reload, also while runs of the old configuration are still under way.
 */
export interface Lasting {
  readonly metrics: Metrics;
  readonly pacer: RunPacer;
  readonly derivedLedger: DerivedLedger;
  readonly pause: PauseGate;
}

/** @param pauseOf the switch that holds its pacer back, made for the metrics it shows in */
export function createLasting<P extends PauseGate>(
  version: string,
  pauseOf: (metrics: Metrics) => P,
  derivedLedger: DerivedLedger = createDerivedLedger(),
): Lasting & { readonly pause: P } {
  const metrics = createMetrics({ version, location: LOCATION });
  const pause = pauseOf(metrics);
  const pacer = createPacer({ pause, onUsed: (used) => metrics.budgetUsed(used) });
  return { metrics, pacer, derivedLedger, pause };
}
