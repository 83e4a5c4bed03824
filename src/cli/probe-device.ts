import type { App } from "../app.ts";
import { ResultMetrics } from "../metrics/one-result.ts";
import type { Check } from "../model/check.ts";
import type { Profile } from "../model/profile.ts";
import type { Result, VerdictKind } from "../model/result.ts";
import { judge } from "../pipeline.ts";
import { checksOf } from "../plan/select.ts";
import { type CheckSteps, checkSteps } from "../report/steps/check-steps.ts";
import { CAUSES } from "../verdict/causes.ts";

/** One device over each of its protocols, as docs/probe.schema.json describes it. */
export interface ProbeReport {
  readonly device: string;
  readonly verdict: VerdictKind;
  readonly results: readonly CheckSteps[];
}

/** A check's steps, and its result for the metrics. */
export interface Probed {
  readonly result: Result;
  readonly steps: CheckSteps;
}

/**
 * Tests the device over each of its protocols, one after the other. Nothing of it reaches the app's counters of
 * checks. Throws the signal's reason when aborted.
 */
export async function* probeDevice(app: App, profile: Profile, signal: AbortSignal): AsyncGenerator<Probed> {
  for (const check of checksOf(profile, 0)) yield await probeCheck(app, check, signal);
}

async function probeCheck(app: App, check: Check, signal: AbortSignal): Promise<Probed> {
  const examined = await app.examine(check, signal);
  signal.throwIfAborted();
  const { facts } = examined;
  const { invocation, prediction, outcome, topics, secondAttempts, guard } = facts;
  // One device alone cannot show whether a bare close was a refusal or an outage.
  const verdict = judge(examined, false);
  const seen = { check, invocation, prediction, outcome, topics, secondAttempts, guard };
  const result: Result = { ...seen, verdict, location: "local" };
  const metrics = new ResultMetrics();
  metrics.record(result);
  const meaning = (code: keyof typeof CAUSES) => CAUSES[code].meaning;
  return { result, steps: checkSteps({ facts, result, metrics: await metrics.series(), meaning }) };
}

export function probeReport(device: string, results: readonly CheckSteps[]): ProbeReport {
  return { device, verdict: worst(results.map(({ verdict }) => verdict)), results };
}

/** In the order in which a verdict decides the device's. */
const WORST_FIRST: readonly VerdictKind[] = ["fail", "inconclusive", "skipped", "pass"];

function worst(verdicts: readonly VerdictKind[]): VerdictKind {
  return WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? "inconclusive";
}
