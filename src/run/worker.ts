import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Check } from "../model/check.ts";
import type { Examined } from "../model/facts.ts";
import type { Result, ResultRecord, Verdict } from "../model/result.ts";
import { Lanes, Places } from "./lanes.ts";
import type { RunMemory } from "./memory.ts";
import { type SecondWave, type SecondWaveReport, SecondWaveRun } from "./second-wave.ts";
import { type OpenResult, Settling, type Witness } from "./settling.ts";

export interface WorkInput {
  readonly checks: AsyncIterable<Check>;
  /** Checks in flight, by target name; or the places that others share. */
  readonly concurrency: ReadonlyMap<string, number> | Places;
  readonly examine: (check: Check, signal: AbortSignal) => Promise<Examined>;
  /** What is said of a check when `examine` itself fails: our own fault, never the device's. */
  readonly onFault: (check: Check) => Examined;
  readonly judge: (examined: Examined, closeConfirmed: boolean) => Verdict;
  readonly secondWave: SecondWave;
  readonly memory: Pick<RunMemory, "origins" | "drawOrigins" | "result">;
  /** Has the derived check at this place its result already? Omitted: the memory knows. */
  readonly isDone?: (seq: number) => boolean;
  /** Called before `onResult`. */
  readonly onJudged?: (examined: Examined, verdict: Verdict) => void;
  /** Called once per check, in the order in which verdicts become certain. */
  readonly onResult: (result: Result) => void;
  readonly location: string;
  /** Aborted: start nothing more; what is in flight finishes. */
  readonly stop: AbortSignal;
  /** Aborted: give up what is in flight too. */
  readonly abort: AbortSignal;
  readonly log: Log;
}

/**
 * Runs the checks, each target's concurrency in flight at most, then what follows from them (derived checks and
 * second attempts), and judges them. A bare close is held back until it is confirmed; at the end, one profile that
 * passed is connected again for those nothing else confirmed.
 */
export async function work(input: WorkInput): Promise<SecondWaveReport> {
  const worker = new Worker(input);
  try {
    await worker.firstWave();
    await worker.secondWave();
    if (!input.stop.aborted) await worker.confirmRest();
  } finally {
    // Also when the source failed: what was begun gets its result.
    await worker.finish();
  }
  return worker.report();
}

/** The parts of the work, for those who do them in other company. */
export class Worker {
  readonly #input: WorkInput;
  readonly #lanes: Lanes;
  readonly #settling: Settling;
  readonly #second: SecondWaveRun;
  #nextSeq = 0;

  constructor(input: WorkInput) {
    this.#input = input;
    const { judge, onResult, location, secondWave: wave, stop, abort, log, concurrency } = input;
    this.#lanes = new Lanes(concurrency instanceof Places ? concurrency : new Places(concurrency));
    this.#settling = new Settling({
      judge,
      onJudged: (examined, verdict) => {
        this.#input.onJudged?.(examined, verdict);
        this.#second.offer(examined, verdict);
      },
      onResult,
      location,
    });
    this.#second = new SecondWaveRun({
      wave,
      lanes: this.#lanes,
      settling: this.#settling,
      runCheck: (check) => this.#runDerived(check),
      seeAgain: (check) => this.#seeAgain(check),
      memory: input.memory,
      isDone: input.isDone ?? ((seq) => input.memory.result(seq) !== null),
      stop,
      abort,
      log,
    });
  }

  async firstWave(): Promise<void> {
    for await (const check of this.#input.checks) {
      if (this.#input.stop.aborted) break;
      this.#nextSeq = Math.max(this.#nextSeq, check.seq + 1);
      const recorded = this.#input.memory.result(check.seq);
      if (recorded === null) await this.begin(check);
      else if (mayFollow(check, recorded)) this.recall(check);
    }
    await this.#lanes.drained();
  }

  /** Waits for room, not for the check's end. */
  async begin(check: Check): Promise<void> {
    await this.#lanes.room(check.profile.target);
    void this.#lanes.run(check.profile.target, () => this.#run(check));
  }

  /** Waits until nothing is in flight. */
  async drained(): Promise<void> {
    await this.#lanes.drained();
  }

  /** What was seen getting in elsewhere is not done again, but what follows from it is. */
  recall(check: Check): void {
    this.#settling.recall(check);
    this.#second.recall(check);
  }

  /** @param firstDerivedSeq omitted: after the checks of the first wave */
  async secondWave(firstDerivedSeq = this.#nextSeq): Promise<void> {
    await this.#second.run(firstDerivedSeq);
  }

  /** Asks the gateway once more, with a device that got in, where closes still wait for an explicit answer. */
  async confirmRest(): Promise<void> {
    await Promise.all(this.#settling.wanted().map((check) => this.witness(check)));
  }

  /** Connects once without a result; null: given up. */
  async witness(check: Check): Promise<Witness | null> {
    const examined = await this.#examine(check);
    if (examined === null) return null;
    const seen = { ...examined, outcome: examined.facts.outcome };
    this.#settling.witness(check, seen);
    return seen;
  }

  /** Instead of `finish`: what is still open is answered, for somebody else to settle. */
  async handOver(): Promise<OpenResult[]> {
    await this.#lanes.drained();
    return this.#settling.handOver();
  }

  async finish(): Promise<void> {
    await this.#lanes.drained();
    this.#settling.giveUp();
  }

  report(): SecondWaveReport {
    return this.#second.report();
  }

  async #run(check: Check): Promise<void> {
    // Stopped while it waited for its place: it was never begun.
    if (this.#input.stop.aborted) return;
    const examined = await this.#examine(check);
    if (examined === null) return;
    const isTriedAgain = this.#second.wants(examined);
    const one = this.#settling.add(examined, isTriedAgain);
    if (isTriedAgain) this.#second.keep(one);
  }

  async #runDerived(check: Check): Promise<boolean> {
    const examined = await this.#examine(check);
    if (examined) this.#settling.add(examined, false);
    return examined !== null;
  }

  async #seeAgain(check: Check): Promise<Examined | null> {
    const examined = await this.#examine(check);
    if (examined === null) return null;
    this.#settling.witness(check, { ...examined, outcome: examined.facts.outcome });
    const { judge, secondWave: wave } = this.#input;
    return wave.mayDerive(examined, judge(examined, false)) ? examined : null;
  }

  /** null when the check was given up before its connection began: it counts as not run. */
  async #examine(check: Check): Promise<Examined | null> {
    const { examine, onFault, abort, log } = this.#input;
    try {
      return await examine(check, abort);
    } catch (error) {
      if (abort.aborted) return null;
      log.error(
        { device: check.profile.id, protocol: check.protocol, error: errorMessage(error) },
        "check failed",
      );
      return onFault(check);
    }
  }
}

/** Does something follow from a check that an earlier process of the run recorded? */
export function mayFollow({ profile }: Check, { verdict, gateway, expectation }: ResultRecord): boolean {
  return (
    verdict === "pass" &&
    gateway === "accepted" &&
    profile.identity === "dedicated" &&
    expectation === "allow"
  );
}
