import type { RunSummary } from "../../model/run.ts";
import { Causes } from "./causes.tsx";
import { DriftSince } from "./drift.tsx";
import { Latency } from "./latency.tsx";
import { Matrix } from "./matrix.tsx";

/** What one run found. */
export function RunPanels({ run }: { readonly run: RunSummary }) {
  return (
    <div class="columns">
      <Causes run={run} />
      <div>
        <Matrix run={run} />
        <DriftSince drift={run.drift} />
        <Latency runId={run.runId} version={run.status} />
      </div>
    </div>
  );
}
