import type { Log } from "../lib/log.ts";
import type { Check } from "../model/check.ts";
import type { Suite } from "../model/config.ts";
import type { GateOutcome, GroupTally, LatencyTally } from "../model/gate.ts";
import type { PreflightFinding } from "../model/preflight.ts";
import type { JudgedCheck } from "../model/result.ts";
import type { Selection } from "../model/run.ts";
import type { RunSample } from "../model/sample.ts";
import type { Decoy } from "../model/second-wave.ts";
import type { FleetGroup } from "./expected.ts";
import type { LostRuleFn } from "./fail-fast.ts";
import type { BindFn } from "./fingerprint.ts";
import type { RunMemory } from "./memory.ts";
import type { PauseGate } from "./pause.ts";
import type { WorkFn } from "./work.ts";

/** What a run needs from outside; every part of it is a port. */
export interface RunPorts {
  /** Has the plan's checks done, and what follows from them. */
  readonly work: WorkFn;
  readonly decide: (input: {
    readonly groups: readonly GroupTally[];
    readonly invalidProfiles: number;
    readonly latency: LatencyTally;
    readonly rules: Suite["gate"];
    readonly cohortRules: Suite["cohortGates"];
    readonly notes: readonly string[];
  }) => GateOutcome;
  readonly lostRule: LostRuleFn;
  /** Looks at targets, by name, before the first check; never throws. None: nothing is looked at. */
  readonly preflight?: (
    targets: readonly string[],
    signal: AbortSignal,
  ) => Promise<readonly PreflightFinding[]>;
  /** Finds out what the decision is bound to; never throws. None: it binds nobody. */
  readonly bind?: BindFn;
  /** None: nobody pauses. */
  readonly pause?: PauseGate;
  readonly log: Log;
}

export interface RunInput {
  readonly runId: string;
  readonly suite: Suite;
  readonly selection: Selection;
  /** Pass one over the sources: what the run is going to hold. */
  readonly prepare: (signal: AbortSignal) => Promise<RunPlan>;
  readonly memory: RunMemory;
  /** After it was recorded. */
  readonly onResult: (judged: JudgedCheck) => void;
}

/** What pass one found. */
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
