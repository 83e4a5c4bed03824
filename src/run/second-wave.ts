import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Check } from "../model/check.ts";
import type { Examined } from "../model/facts.ts";
import type { DerivedLedger } from "../model/ports.ts";
import type { Verdict } from "../model/result.ts";
import type { SecondAttempt, Variation } from "../model/second-wave.ts";
import { identityOf } from "./derived-ledger.ts";
import { Draw } from "./draw.ts";
import type { Lanes } from "./lanes.ts";
import type { Settling, Unsettled, Witness } from "./settling.ts";

/** What comes after the checks of the plan, and because of what they came to. */
export interface SecondWave {
  /** Checks drawn of each target × cohort × protocol to derive from; 0: nothing is derived. */
  readonly perCohort: number;
  readonly mayDerive: (examined: Examined, verdict: Verdict) => boolean;
  /** What must be denied, made from a check that may be; empty where nothing applies. */
  readonly derive: (passed: Examined, signal: AbortSignal) => Promise<readonly Omit<Check, "seq">[]>;
  readonly ledger: DerivedLedger;
  /** What is worth trying otherwise, in the order of trying. */
  readonly variationsOf: (facts: Examined["facts"]) => readonly Variation[];
  /** Connects once more with one thing changed. */
  readonly attempt: (examined: Examined, variation: Variation, signal: AbortSignal) => Promise<Witness>;
  /** From 0 up to 1. */
  readonly random: () => number;
}

/** What of it was not done. */
export interface SecondWaveReport {
  /** Derived checks left out, because an identity was used for enough of them lately. */
  readonly capped: number;
  /** A stop came before every derived check was run. */
  readonly isCutShort: boolean;
}

export interface SecondWaveInput {
  readonly wave: SecondWave;
  readonly lanes: Lanes;
  readonly settling: Settling;
  /** Runs a check; false when it was given up. */
  readonly runCheck: (check: Check) => Promise<boolean>;
  readonly stop: AbortSignal;
  readonly abort: AbortSignal;
  readonly log: Log;
}

/** Checks of one target × cohort × protocol that get second attempts. */
const RETRIED_PER_GROUP = 3;

/** Collects during the first wave what the second one starts from, then runs it. */
export class SecondWaveRun {
  readonly #input: SecondWaveInput;
  readonly #draws = new Map<string, Draw<Examined>>();
  readonly #kept = new Map<string, Unsettled[]>();
  #nextSeq = 0;
  #capped = 0;
  #isCutShort = false;

  constructor(input: SecondWaveInput) {
    this.#input = input;
  }

  /** A check that was judged: may something be derived from it? */
  offer(examined: Examined, verdict: Verdict): void {
    const { perCohort, mayDerive, ledger, random } = this.#input.wave;
    if (perCohort === 0 || !mayDerive(examined, verdict)) return;
    const { check, target } = examined.facts;
    const key = groupKey(check);
    const draw = this.#draws.get(key) ?? new Draw(perCohort, random);
    this.#draws.set(key, draw);
    draw.offer(examined, ledger.used(identityOf(check, target)));
  }

  /** Will this check be tried again, so that its result has to wait? */
  wants({ facts }: Examined): boolean {
    const kept = this.#kept.get(groupKey(facts.check))?.length ?? 0;
    return kept < RETRIED_PER_GROUP && this.#input.wave.variationsOf(facts).length > 0;
  }

  keep(one: Unsettled): void {
    const key = groupKey(one.examined.facts.check);
    this.#kept.set(key, [...(this.#kept.get(key) ?? []), one]);
  }

  /** Numbers derived checks from `firstSeq` on. */
  async run(firstSeq: number): Promise<void> {
    this.#nextSeq = firstSeq;
    const drawn = [...this.#draws.values()].flatMap((draw) => draw.drawn());
    const kept = [...this.#kept.values()].flat();
    await Promise.all([
      ...drawn.map((examined) => this.#deriveFrom(examined)),
      ...kept.map((one) => this.#tryAgain(one)),
    ]);
  }

  report(): SecondWaveReport {
    return { capped: this.#capped, isCutShort: this.#isCutShort };
  }

  /** One after the other: they share a client id, and a place in flight is not for waiting for it. */
  async #deriveFrom(passed: Examined): Promise<void> {
    const { wave, lanes, runCheck, stop, abort } = this.#input;
    const { target, check: origin } = passed.facts;
    if (stop.aborted) {
      this.#isCutShort = true;
      return;
    }
    const derived = await this.#guarded(origin, () => wave.derive(passed, abort));
    for (const each of derived ?? []) {
      const identities = new Set([identityOf(origin, target), identityOf(each, target)]);
      const done = await lanes.run(target.name, async () => {
        if (stop.aborted) return false;
        if (wave.ledger.spend([...identities])) return runCheck({ ...each, seq: this.#nextSeq++ });
        this.#capped += 1;
        return true;
      });
      if (done) continue;
      this.#isCutShort = true;
      return;
    }
  }

  /** One variation after the other, until one lets the device in: then it is known what kept it out. */
  async #tryAgain(one: Unsettled): Promise<void> {
    const { wave, lanes, settling, stop, abort } = this.#input;
    const { facts } = one.examined;
    const { check } = facts;
    const attempts: SecondAttempt[] = [];
    for (const variation of wave.variationsOf(facts)) {
      const seen = await lanes.run(check.profile.target, () =>
        stop.aborted
          ? Promise.resolve(null)
          : this.#guarded(check, () => wave.attempt(one.examined, variation, abort)),
      );
      if (seen === null) break;
      settling.witness(check, seen);
      attempts.push({ variation, outcome: seen.outcome });
      if (seen.outcome.kind === "accepted") break;
    }
    settling.release(one, attempts);
  }

  /** null: given up, or our own fault, which must not end the run. */
  async #guarded<T>({ profile, protocol }: Check, job: () => Promise<T>): Promise<T | null> {
    const { abort, log } = this.#input;
    try {
      return await job();
    } catch (error) {
      this.#isCutShort ||= abort.aborted;
      if (!abort.aborted) {
        log.error({ device: profile.id, protocol, error: errorMessage(error) }, "second wave failed");
      }
      return null;
    }
  }
}

function groupKey({ profile, protocol }: Check): string {
  return `${profile.target}\n${profile.cohort}\n${protocol}`;
}
