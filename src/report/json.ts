import type { Writable } from "node:stream";
import type { Drift } from "../model/drift.ts";
import type { Fingerprint } from "../model/fingerprint.ts";
import type { Counts, Decision, GroupTally, RuleResult } from "../model/gate.ts";
import type { PreflightFinding } from "../model/preflight.ts";
import type { ResultRecord } from "../model/result.ts";
import type { AgreementCell, CauseGroup, LatencyRow, RunStatus, RunSummary } from "../model/run.ts";
import type { RunSample, SampleBound } from "../model/sample.ts";
import { streamText } from "./stream.ts";

/** The JSON report without its results (design 6.7); docs/report.schema.json describes it. Times in seconds. */
export interface JsonReportHead {
  readonly runId: string;
  readonly suite: string;
  readonly selection: RunSummary["selection"];
  /** Of which devices the run is; left out: of all that were selected. */
  readonly sample?: RunSample & { readonly bounds: readonly SampleBound[] };
  /** Of `authorizer: sample`: which rates of disagreement with the gateway are excluded. */
  readonly disagreement?: readonly SampleBound[];
  readonly status: RunStatus;
  readonly decision: Decision | null;
  readonly reason: string;
  readonly startedAt: string;
  readonly decidedAt: string | null;
  readonly durationSeconds: number;
  readonly counts: Counts;
  readonly rules: readonly RuleResult[];
  readonly agreement: readonly AgreementCell[];
  readonly groups: readonly (GroupTally & { readonly decision: Decision | null })[];
  readonly causes: readonly CauseGroup[];
  readonly latency: readonly LatencyRow[];
  /** Checks of which times are left out; absent: none. */
  readonly timesDiscarded?: number;
  readonly preflight: readonly PreflightFinding[];
  readonly drift: Drift | null;
  readonly fingerprint: Fingerprint | null;
  readonly notes: readonly string[];
}

export interface JsonReport extends JsonReportHead {
  readonly results: readonly ResultRecord[];
}

/**
 * Writes the report and ends `out`. Results are streamed at the speed `out` takes them, one line each, so that a
 * large fleet's are never in memory together. Rejects with the error of `out` or of `results`.
 */
export async function writeJsonReport(
  out: Writable,
  summary: RunSummary,
  results: Iterable<ResultRecord> | AsyncIterable<ResultRecord>,
): Promise<void> {
  await streamText(out, reportText(summary, results));
}

async function* reportText(
  summary: RunSummary,
  results: Iterable<ResultRecord> | AsyncIterable<ResultRecord>,
): AsyncGenerator<string> {
  const head = JSON.stringify(reportHead(summary), null, 2);
  yield `${head.slice(0, head.lastIndexOf("\n"))},\n  "results": [`;
  let separator = "\n    ";
  for await (const result of results) {
    yield separator + JSON.stringify(result);
    separator = ",\n    ";
  }
  yield "\n  ]\n}\n";
}

function reportHead(summary: RunSummary): JsonReportHead {
  const { gate } = summary;
  return {
    runId: summary.runId,
    suite: summary.suite,
    selection: summary.selection,
    ...(summary.sample && { sample: { ...summary.sample, bounds: gate?.bounds ?? [] } }),
    ...(gate?.disagreement && { disagreement: gate.disagreement }),
    status: summary.status,
    decision: summary.decision,
    reason: summary.reason,
    startedAt: summary.startedAt,
    decidedAt: summary.decidedAt,
    durationSeconds: summary.durationSeconds,
    counts: summary.counts,
    rules: gate?.rules ?? [],
    agreement: summary.agreement,
    groups: summary.groups.map((group) => ({
      ...group,
      decision:
        gate?.groups.find(({ target, cohort }) => target === group.target && cohort === group.cohort)
          ?.decision ?? null,
    })),
    causes: summary.causes,
    latency: summary.latency,
    ...(summary.timesDiscarded !== undefined && { timesDiscarded: summary.timesDiscarded }),
    preflight: summary.preflight,
    drift: summary.drift,
    fingerprint: summary.fingerprint,
    notes: summary.notes,
  };
}
