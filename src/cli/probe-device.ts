import type { App } from "../app.ts";
import { ResultMetrics } from "../metrics/one-result.ts";
import type { Profile } from "../model/profile.ts";
import type { Result, VerdictKind } from "../model/result.ts";
import { type CheckSteps, checkSteps } from "../report/steps/check-steps.ts";
import { CAUSES } from "../verdict/causes.ts";

/** One device over each of its protocols, as docs/probe.schema.json describes it. */
export interface ProbeReport {
  readonly device: string;
  readonly verdict: VerdictKind;
  readonly results: readonly CheckSteps[];
}

/** A check's steps, and its result for the metrics. */
export interface ShownCheck {
  readonly result: Result;
  readonly steps: CheckSteps;
}

/** Tests the device over each of its protocols, one after the other. Throws the signal's reason when aborted. */
export async function* probeDevice(
  app: App,
  profile: Profile,
  signal: AbortSignal,
): AsyncGenerator<ShownCheck> {
  for await (const probed of app.probe(profile, signal)) {
    const { result } = probed;
    const metrics = new ResultMetrics();
    metrics.record(result);
    const meaning = (code: keyof typeof CAUSES) => CAUSES[code].meaning;
    yield { result, steps: checkSteps({ ...probed, metrics: await metrics.series(), meaning }) };
  }
}

export function probeReport(device: string, results: readonly CheckSteps[]): ProbeReport {
  return { device, verdict: worst(results.map(({ verdict }) => verdict)), results };
}

/** In the order in which a verdict decides the device's. */
const WORST_FIRST: readonly VerdictKind[] = ["fail", "inconclusive", "skipped", "pass"];

function worst(verdicts: readonly VerdictKind[]): VerdictKind {
  return WORST_FIRST.find((verdict) => verdicts.includes(verdict)) ?? "inconclusive";
}
