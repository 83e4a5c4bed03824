import type { Log } from "../lib/log.ts";
import type { Suite } from "../model/config.ts";
import type { GateOutcome, GroupTally, LatencyTally } from "../model/gate.ts";
import type { PreflightFinding } from "../model/preflight.ts";
import type { JudgedCheck } from "../model/result.ts";
import type { Selection } from "../model/run.ts";
import type { RunPlan } from "../model/run-plan.ts";
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
