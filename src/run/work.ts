import { judgedCheck } from "../lib/words.ts";
import type { Check } from "../model/check.ts";
import type { JudgedCheck, Result } from "../model/result.ts";
import type { Decoy } from "../model/second-wave.ts";
import type { RunMemory } from "./memory.ts";
import type { SecondWave, SecondWaveReport } from "./second-wave.ts";
import { type WorkInput, work } from "./worker.ts";

/** What a run wants done. */
export interface RunWork {
  /** The plan's checks, streamed in order. */
  readonly checks: AsyncIterable<Check>;
  readonly decoys: readonly Decoy[];
  readonly memory: RunMemory;
  /** Called once per check, in the order in which verdicts become certain. */
  readonly onJudged: (judged: JudgedCheck) => void;
  /** Aborted: start nothing more; what is in flight finishes. */
  readonly stop: AbortSignal;
  /** Aborted: give up what is in flight too. */
  readonly abort: AbortSignal;
}

/** Does a run's checks and what follows from them; by whatever processes, the results are the same. */
export type WorkFn = (wanted: RunWork) => Promise<SecondWaveReport>;

export interface InProcessParts
  extends Pick<WorkInput, "concurrency" | "examine" | "onFault" | "judge" | "location" | "log"> {
  /** What follows from the checks; `decoys`: of the plan. */
  readonly secondWave: (decoys: readonly Decoy[]) => SecondWave;
  /** Each result in full, after it was told. */
  readonly onResult?: ((result: Result) => void) | undefined;
}

/** In this process, all in one piece: nothing is cut, sent or looked up. */
export function inProcess({ secondWave, onResult, ...parts }: InProcessParts): WorkFn {
  return ({ decoys, onJudged, ...wanted }) =>
    work({
      ...parts,
      ...wanted,
      secondWave: secondWave(decoys),
      onResult: (result) => {
        onJudged(judgedCheck(result));
        onResult?.(result);
      },
    });
}
