import type { Check } from "./check.ts";
import type { GroupSample, RunSample } from "./sample.ts";
import type { Decoy } from "./second-wave.ts";

/** One cohort × target of the sources and its checks. */
export interface FleetGroup {
  readonly target: string;
  readonly cohort: string;
  readonly checks: number;
  /** Omitted: every device of it is tested. */
  readonly sample?: GroupSample;
  /** Omitted: the authorizer is not asked about a sample. */
  readonly asked?: GroupSample;
}

/** What pass one over the sources found: what a run is going to hold. */
export interface RunPlan {
  /** The selected part of the sources. */
  readonly groups: readonly FleetGroup[];
  readonly invalidProfiles: number;
  /** What is wrong with the selection itself; any entry forbids a go. */
  readonly notes: readonly string[];
  /** What else is to be told. */
  readonly remarks: readonly string[];
  readonly decoys: readonly Decoy[];
  /** Of the sources' bytes: an interrupted run goes on only where they are the same. */
  readonly fleetChecksum: string;
  /** null or omitted: every device that is selected is tested. */
  readonly sample?: RunSample | null;
  /** The plan's checks, streamed in order. */
  readonly checks: AsyncIterable<Check>;
}
