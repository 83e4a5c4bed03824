import type { CauseCode } from "../model/causes.ts";
import type { Check } from "../model/check.ts";
import type { Examined } from "../model/facts.ts";
import type { Result } from "../model/result.ts";
import { NO_MEMORY } from "./memory.ts";
import { lookForOthers, type SamplePorts } from "./sample.ts";
import { type WorkInput, work } from "./worker.ts";

export interface ProbePorts
  extends Pick<WorkInput, "examine" | "onFault" | "judge" | "secondWave" | "location" | "log"> {
  readonly sample: SamplePorts;
  /** A check that is not begun. */
  readonly untested: (check: Check, cause: CauseCode, reason: string) => Examined;
}

/** One check with all that was gathered. */
export interface Probed {
  readonly facts: Examined["facts"];
  readonly result: Result;
  /** What could not be found out beforehand about who else uses the client id. */
  readonly remarks: readonly string[];
}

/**
 * Tests one device as a run would: its client id is looked up first, a device that is kept out is tried again where
 * its profile allows that, and a close counts as a refusal only where a second attempt got an explicit answer. Nothing
 * is derived from it. One check after the other; throws the signal's reason when aborted.
 */
export async function* probeChecks(
  checks: readonly Check[],
  ports: ProbePorts,
  signal: AbortSignal,
): AsyncGenerator<Probed> {
  const { notes, remarks } = await lookForOthers(stream(checks), ports.sample, signal);
  const [inUse] = notes;
  const { untested } = ports;
  const examine =
    inUse === undefined ? ports.examine : async (check: Check) => untested(check, "CLIENT_ID_IN_USE", inUse);
  for (const check of checks) {
    yield { ...(await probeCheck(check, { ...ports, examine }, signal)), remarks };
  }
}

/** A run of one check. */
async function probeCheck(
  check: Check,
  { judge, secondWave, ...ports }: ProbePorts,
  signal: AbortSignal,
): Promise<Omit<Probed, "remarks">> {
  const judged: Examined["facts"][] = [];
  const results: Result[] = [];
  await work({
    ...ports,
    checks: stream([check]),
    concurrency: new Map([[check.profile.target, 1]]),
    judge: (examined, closeConfirmed) => {
      judged.push(examined.facts);
      return judge(examined, closeConfirmed);
    },
    secondWave: { ...secondWave, perCohort: 0 },
    memory: NO_MEMORY,
    onResult: (result) => results.push(result),
    stop: signal,
    abort: signal,
  });
  signal.throwIfAborted();
  const [facts, result] = [judged.at(-1), results.at(-1)];
  if (facts === undefined || result === undefined) throw new Error("a check without a result");
  return { facts, result };
}

async function* stream<T>(all: readonly T[]): AsyncGenerator<T> {
  yield* all;
}
