import pLimit, { type LimitFunction } from "p-limit";
import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Check } from "../model/check.ts";
import type { Examined } from "../model/facts.ts";
import type { Result, Verdict } from "../model/result.ts";
import { Confirmations, type Settled } from "./confirmation.ts";

export interface WorkInput {
  readonly checks: AsyncIterable<Check>;
  /** Checks in flight, by target name. */
  readonly concurrency: ReadonlyMap<string, number>;
  readonly examine: (check: Check, signal: AbortSignal) => Promise<Examined>;
  /** What is said of a check when `examine` itself fails: our own fault, never the device's. */
  readonly onFault: (check: Check) => Examined;
  readonly judge: (examined: Examined, closeConfirmed: boolean) => Verdict;
  /** Called once per check, in the order in which verdicts become certain. */
  readonly onResult: (result: Result) => void;
  readonly location: string;
  /** Aborted: start nothing more; what is in flight finishes. */
  readonly stop: AbortSignal;
  /** Aborted: give up what is in flight too. */
  readonly abort: AbortSignal;
  readonly log: Log;
}

/** Checks that may wait for a place at one target before reading the source pauses. */
const WAITING_PER_TARGET = 16;

/**
 * Runs the checks, each target's concurrency in flight at most, and judges them. A bare close is held back
 * until it is confirmed; at the end, one profile that passed is connected again for those nothing else confirmed.
 */
export async function work(input: WorkInput): Promise<void> {
  const worker = new Worker(input);
  try {
    for await (const check of input.checks) {
      if (input.stop.aborted) break;
      await worker.room(check);
      worker.start(check);
    }
    await worker.drained();
    if (!input.stop.aborted) await worker.confirmRest();
  } finally {
    // Also when the source failed: what was begun gets its result.
    await worker.drained();
    worker.giveUp();
  }
}

class Worker {
  readonly #input: WorkInput;
  readonly #confirmations = new Confirmations<Examined>();
  readonly #limits = new Map<string, LimitFunction>();
  readonly #inFlight = new Set<Promise<void>>();
  /** By target and protocol: a check that got in, to connect again when a close needs confirming. */
  readonly #passed = new Map<string, Check>();
  #freed = Promise.withResolvers<void>();

  constructor(input: WorkInput) {
    this.#input = input;
    for (const [target, inFlight] of input.concurrency) this.#limits.set(target, pLimit(inFlight));
  }

  /** Waits until the check's target has a place in its queue. */
  async room(check: Check): Promise<void> {
    const limit = this.#limitOf(check);
    while (limit.pendingCount >= WAITING_PER_TARGET) await this.#freed.promise;
  }

  start(check: Check): void {
    const job = this.#limitOf(check)(() => this.#run(check)).finally(() => {
      this.#inFlight.delete(job);
      this.#freed.resolve();
      this.#freed = Promise.withResolvers();
    });
    this.#inFlight.add(job);
  }

  async drained(): Promise<void> {
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight);
  }

  /** Asks the gateway once more, with a device that got in, where closes still wait for an explicit answer. */
  async confirmRest(): Promise<void> {
    const again = this.#confirmations.waiting().flatMap((path) => this.#passed.get(pathKey(path)) ?? []);
    await Promise.all(
      again.map(async (check) => {
        const examined = await this.#examine(check);
        if (examined) this.#note(examined, "confirmation only");
      }),
    );
  }

  /** What nothing confirmed is inconclusive. */
  giveUp(): void {
    this.#conclude(this.#confirmations.giveUp());
  }

  async #run(check: Check): Promise<void> {
    // Stopped while it waited for its place: it was never begun.
    if (this.#input.stop.aborted) return;
    const examined = await this.#examine(check);
    if (examined) this.#note(examined, "result");
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

  #note(examined: Examined, use: "result" | "confirmation only"): void {
    const { check, outcome } = examined.facts;
    const attempt = {
      target: check.profile.target,
      protocol: check.protocol,
      startedAtMs: examined.startedAtMs,
      endedAtMs: examined.endedAtMs,
      outcome,
    };
    if (use === "confirmation only" && outcome.kind === "refused" && outcome.how === "closed") return;
    const { held, settled } = this.#confirmations.note(examined, attempt);
    this.#conclude(settled);
    if (use === "confirmation only" || held || settled.some(({ item }) => item === examined)) return;
    this.#conclude([{ item: examined, confirmed: true }]);
  }

  #conclude(settled: readonly Settled<Examined>[]): void {
    for (const { item, confirmed } of settled) {
      const { check, invocation, prediction, outcome, topics, secondAttempts, guard } = item.facts;
      const verdict = this.#input.judge(item, confirmed);
      if (verdict.kind === "pass" && outcome.kind === "accepted" && check.derived === null) {
        this.#passed.set(pathKey({ target: check.profile.target, protocol: check.protocol }), check);
      }
      const { location, onResult } = this.#input;
      onResult({
        check,
        invocation,
        prediction,
        outcome,
        topics,
        secondAttempts,
        guard,
        verdict,
        location,
      });
    }
  }

  #limitOf(check: Check): LimitFunction {
    const limit = this.#limits.get(check.profile.target);
    if (limit === undefined) throw new Error(`unknown target ${check.profile.target}`);
    return limit;
  }
}

function pathKey({ target, protocol }: { target: string; protocol: string }): string {
  return `${target}\n${protocol}`;
}
