import { PHASES } from "../../model/outcome.ts";
import type { LatencyRow, RunSummary } from "../../model/run.ts";
import { count, latency, plural } from "../numbers.ts";
import type { Style } from "../style.ts";
import { table } from "../table.ts";

const COLUMNS = [
  { title: "protocol" },
  { title: "phase" },
  ...["samples", "p50", "p95", "p99", "max"].map((title) => ({ title, align: "right" as const })),
];

/** Percentiles by protocol, phases in the order a connection goes through them. */
export function latencySection({ latency: rows, timesDiscarded = 0 }: RunSummary, style: Style): string[] {
  const leftOut = timesDiscarded === 0 ? [] : [leftOutText(timesDiscarded)];
  if (rows.length + leftOut.length === 0) return [];
  const lines = rows
    .toSorted((a, b) => compare(a.protocol, b.protocol) || order(a) - order(b))
    .map((row, at, all) => [
      row.protocol === all[at - 1]?.protocol ? "" : row.protocol,
      row.phase === "total" ? "total if accepted" : row.phase,
      count(row.samples),
      ...[row.p50, row.p95, row.p99, row.max].map(latency),
    ]);
  const shown = rows.length === 0 ? [] : table(COLUMNS, lines, style, 2);
  return [style.tone("strong", "Latency"), ...shown, ...leftOut];
}

/** Fewer samples than checks must not look like a mistake. */
function leftOutText(checks: number): string {
  return `  without times of ${plural(checks, "check")}, which this process was too busy to take well`;
}

function compare(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}

/** A sum of phases comes after them. */
function order({ phase }: LatencyRow): number {
  const at = (PHASES as readonly string[]).indexOf(phase);
  return at === -1 ? PHASES.length : at;
}
