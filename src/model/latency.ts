import type { LatencyTally } from "./gate.ts";
import type { LatencyRow } from "./run.ts";

/** How many samples are above the bucket before and not above `le` seconds. */
export interface LatencyBucket {
  readonly le: number;
  readonly count: number;
}

/** How the samples of one phase over one protocol are spread, from the first bucket that holds any to the last. */
export interface LatencyShape {
  readonly protocol: string;
  readonly phase: string;
  readonly buckets: readonly LatencyBucket[];
}

/** What is kept of a run's times beside the quantiles in its summary. */
export interface RunTimes extends LatencyTally {
  readonly shapes: readonly LatencyShape[];
}

/** Quantiles with their distribution; `buckets` is empty for a run of a release that did not keep it. */
export type LatencyDistribution = LatencyRow & Pick<LatencyShape, "buckets">;
