import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { type Check, DERIVED_KINDS } from "../model/check.ts";
import type { Examined } from "../model/facts.ts";
import type { DerivedLedger } from "../model/ports.ts";
import type { Verdict } from "../model/result.ts";
import type { SecondAttempt, Variation } from "../model/second-wave.ts";
import { identityOf } from "./derived-ledger.ts";
import { Draw } from "./draw.ts";
import type { Lanes } from "./lanes.ts";
import type { RunMemory } from "./memory.ts";
import type { Settling, Unsettled, Witness } from "./settling.ts";

/** What comes after the checks of the plan, and because of what they came to. */
export interface SecondWave {
  /** Checks drawn of each target × cohort × protocol to derive from; 0: nothing is derived. */
  readonly perCohort: number;
  readonly mayDerive: (examined: Examined, verdict: Verdict) => boolean;
  /** As far as the profile tells: for a check that an earlier process of the run saw passing. */
  readonly mayDeriveFrom: (check: Check) => boolean;
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
  /** Sees a check once more without a result of its own; null: given up, or it does not pass any more. */
  readonly seeAgain: (check: Check) => Promise<Examined | null>;
  readonly memory: Pick<RunMemory, "origins" | "drawOrigins">;
  /** Has the derived check at this place its result already? */
  readonly isDone: (seq: number) => boolean;
  readonly stop: AbortSignal;
  readonly abort: AbortSignal;
  readonly log: Log;
}

/** Checks of one target × cohort × protocol that get second attempts. */
export const RETRIED_PER_GROUP = 3;

/** Collects during the first wave what the second one starts from, then runs it. */
export class SecondWaveRun {
  readonly #input: SecondWaveInput;
  /** Drawn by an earlier process of the run; null: none drew. */
  readonly #drawnBefore: readonly number[] | null;
  readonly #draws = new Map<string, Draw<Origin>>();
  readonly #kept = new Map<string, Unsettled[]>();
  #capped = 0;
  #isCutShort = false;

  constructor(input: SecondWaveInput) {
    this.#input = input;
    this.#drawnBefore = input.memory.origins();
  }

  /** A check that was judged: may something be derived from it? */
  offer(examined: Examined, verdict: Verdict): void {
    const { check, target } = examined.facts;
    if (!this.#input.wave.mayDerive(examined, verdict)) return;
    this.#draw({ check, examined }, this.#input.wave.ledger.used(identityOf(check, target)));
  }

  /** A check that an earlier process of the run saw passing. */
  recall(check: Check): void {
    if (this.#input.wave.mayDeriveFrom(check)) this.#draw({ check, examined: null }, 0);
  }

  #draw(origin: Origin, rank: number): void {
    const { perCohort, random } = this.#input.wave;
    if (perCohort === 0) return;
    const key = groupKey(origin.check);
    const draw = this.#draws.get(key) ?? new Draw(perCohort, random);
    this.#draws.set(key, draw);
    if (this.#drawnBefore === null) draw.offer(origin, rank);
    else if (this.#drawnBefore.includes(origin.check.seq)) draw.offer(origin, 0);
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
    const drawn = [...this.#draws.values()].flatMap((draw) => draw.drawn());
    const before = this.#drawnBefore ?? [];
    // As an earlier process numbered them, so that what it recorded is known again.
    const order = before.length > 0 ? before : drawn.map(({ check }) => check.seq);
    if (this.#drawnBefore === null) this.#input.memory.drawOrigins(order);
    const kept = [...this.#kept.values()].flat();
    await Promise.all([
      ...drawn.map((origin) =>
        this.#deriveFrom(origin, firstSeq + order.indexOf(origin.check.seq) * DERIVED_KINDS.length),
      ),
      ...kept.map((one) => this.#tryAgain(one)),
    ]);
  }

  report(): SecondWaveReport {
    return { capped: this.#capped, isCutShort: this.#isCutShort };
  }

  /** One after the other: they share a client id, and a place in flight is not for waiting for it. */
  async #deriveFrom({ check: origin, examined }: Origin, firstSeq: number): Promise<void> {
    const { wave, lanes, runCheck, seeAgain, stop, abort, isDone } = this.#input;
    if (stop.aborted) {
      this.#isCutShort = true;
      return;
    }
    const passed = examined ?? (await lanes.run(origin.profile.target, () => seeAgain(origin)));
    if (passed === null) {
      this.#isCutShort ||= stop.aborted;
      return;
    }
    const { target } = passed.facts;
    const derived = await this.#guarded(origin, () => wave.derive(passed, abort));
    for (const each of derived ?? []) {
      const seq = firstSeq + (each.derived === null ? 0 : DERIVED_KINDS.indexOf(each.derived));
      if (isDone(seq)) continue;
      const identities = new Set([identityOf(origin, target), identityOf(each, target)]);
      const done = await lanes.run(target.name, async () => {
        if (stop.aborted) return false;
        if (wave.ledger.spend([...identities])) return runCheck({ ...each, seq });
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

/** A check to derive from, and what was seen of it; null: an earlier process of the run saw it. */
interface Origin {
  readonly check: Check;
  readonly examined: Examined | null;
}

function groupKey({ profile, protocol }: Check): string {
  return drawKey({ ...profile, protocol });
}

/** Those among whom is drawn. */
export function drawKey(of: {
  readonly target: string;
  readonly cohort: string;
  readonly protocol: string;
}): string {
  return `${of.target}\n${of.cohort}\n${of.protocol}`;
}
