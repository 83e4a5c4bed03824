import type { Check } from "../model/check.ts";
import type { Examined } from "../model/facts.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Result, Verdict } from "../model/result.ts";
import type { SecondAttempt } from "../model/second-wave.ts";
import { type Attempt, Confirmations, gatewayWord, type Settled } from "./confirmation.ts";

export interface SettlingOptions {
  readonly judge: (examined: Examined, closeConfirmed: boolean) => Verdict;
  /** Called once per check, in the order in which verdicts become certain. */
  readonly onResult: (result: Result) => void;
  /** Called before `onResult`. */
  readonly onJudged: (examined: Examined, verdict: Verdict) => void;
  readonly location: string;
}

/** A connection without a check of its own. Times: monotonic. */
export interface Witness {
  readonly outcome: Outcome;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}

/** A check on its way to its verdict. */
export interface Unsettled {
  readonly examined: Examined;
  /** Second attempts are still to be made. */
  awaitsAttempts: boolean;
  /** Whether its close was a refusal; null: not known yet. */
  confirmed: boolean | null;
  attempts: readonly SecondAttempt[];
}

/** A check whose close may have been a refusal. */
export interface OpenResult {
  readonly examined: Examined;
  readonly confirmed: Result;
  readonly unconfirmed: Result;
}

/** From what was seen to results: holds back what is not certain yet, a bare close or one that is tried again. */
export class Settling {
  readonly #options: SettlingOptions;
  readonly #confirmations = new Confirmations<Unsettled>();
  readonly #awaiting = new Set<Unsettled>();
  /** By target and protocol: a check that got in, to connect again when a close needs confirming. */
  readonly #passed = new Map<string, Check>();

  constructor(options: SettlingOptions) {
    this.#options = options;
  }

  /** Takes what was seen of a check; with `awaitsAttempts` its result waits for `release`. */
  add(examined: Examined, awaitsAttempts: boolean): Unsettled {
    const one: Unsettled = { examined, awaitsAttempts, confirmed: null, attempts: [] };
    if (awaitsAttempts) this.#awaiting.add(one);
    if (saysNothingOfOthers(examined)) {
      this.#settle([{ item: one, confirmed: true }]);
      return one;
    }
    const { held, settled } = this.#confirmations.note(one, attemptOf(examined));
    this.#settle(settled);
    if (!held && !settled.some(({ item }) => item === one)) this.#settle([{ item: one, confirmed: true }]);
    return one;
  }

  /** A check that an earlier process of the run saw getting in. */
  recall(check: Check): void {
    this.#passed.set(pathKey({ target: check.profile.target, protocol: check.protocol }), check);
  }

  /** A connection that is no check of its own: its explicit answer tells that closes before it were refusals. */
  witness({ profile, protocol }: Check, { outcome, startedAtMs, endedAtMs }: Witness): void {
    const word = gatewayWord(outcome);
    const attempt = { target: profile.target, protocol, startedAtMs, endedAtMs, word };
    this.#settle(this.#confirmations.witness(attempt));
  }

  /** The second attempts of a check were made, or will not be. */
  release(one: Unsettled, attempts: readonly SecondAttempt[]): void {
    one.awaitsAttempts = false;
    one.attempts = attempts;
    this.#awaiting.delete(one);
    if (one.confirmed !== null) this.#conclude(one, one.confirmed);
  }

  /** Checks that got in, one for each target and protocol on which closes still wait for an explicit answer. */
  wanted(): Check[] {
    return this.#confirmations.waiting().flatMap((path) => this.#passed.get(pathKey(path)) ?? []);
  }

  /** Nothing more comes: what nothing confirmed is inconclusive. */
  giveUp(): void {
    for (const one of [...this.#awaiting]) this.release(one, []);
    this.#settle(this.#confirmations.giveUp());
  }

  /**
   * Nothing more comes here, but somebody else may see what closes were: what nothing confirmed, with the result that
   * it has if its close was a refusal and the one that it has if that is never shown.
   */
  handOver(): OpenResult[] {
    for (const one of [...this.#awaiting]) this.release(one, []);
    return this.#confirmations.handOver().map((one) => ({
      examined: completed(one),
      confirmed: this.#resultOf(completed(one), true),
      unconfirmed: this.#resultOf(completed(one), false),
    }));
  }

  #settle(settled: readonly Settled<Unsettled>[]): void {
    for (const { item, confirmed } of settled) {
      item.confirmed = confirmed;
      if (!item.awaitsAttempts) this.#conclude(item, confirmed);
    }
  }

  #conclude(one: Unsettled, confirmed: boolean): void {
    const { onJudged, onResult } = this.#options;
    const complete = completed(one);
    const result = this.#resultOf(complete, confirmed);
    if (isWitness(result)) this.recall(result.check);
    onJudged(complete, result.verdict);
    onResult(result);
  }

  #resultOf(complete: Examined, confirmed: boolean): Result {
    const { judge, location } = this.#options;
    const { check, invocation, prediction, outcome, topics, secondAttempts, guard } = complete.facts;
    const seen = { check, invocation, prediction, outcome, topics, secondAttempts, guard };
    return { ...seen, verdict: judge(complete, confirmed), location };
  }
}

function completed({ examined, attempts }: Unsettled): Examined {
  return { ...examined, facts: { ...examined.facts, secondAttempts: attempts } };
}

/**
 * May the check be connected again, to see whether the gateway answers? A live device was connected as once, where
 * it was safe then: it is none to call again.
 */
export function isWitness({
  check,
  verdict,
  outcome,
}: Pick<Result, "check" | "verdict" | "outcome">): boolean {
  const isOurs = check.derived === null && check.profile.identity === "dedicated";
  return verdict.kind === "pass" && outcome.kind === "accepted" && isOurs;
}

function attemptOf({ facts, startedAtMs, endedAtMs }: Examined): Attempt {
  const { check, outcome } = facts;
  const word = gatewayWord(outcome);
  return { target: check.profile.target, protocol: check.protocol, startedAtMs, endedAtMs, word };
}

/** How a handshake without a server name ends is not how the gateway does for others. */
export function saysNothingOfOthers({ facts }: Examined): boolean {
  return facts.check.derived === "no-sni" && facts.outcome.kind === "unreachable";
}

function pathKey({ target, protocol }: { target: string; protocol: string }): string {
  return `${target}\n${protocol}`;
}
