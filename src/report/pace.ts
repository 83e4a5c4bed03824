import type { Counts } from "../model/gate.ts";
import { count, duration } from "./numbers.ts";

/** How far a run is. Derived checks come when the plan's are done, and nobody knows how many. */
export type ProgressCounts = Pick<Counts, "planned" | "checks" | "pass" | "fail" | "inconclusive"> &
  Partial<Pick<Counts, "derived">>;

/** Empty until there are some. */
export function derivedText({ derived = 0 }: ProgressCounts): string {
  return derived === 0 ? "" : `+${count(derived)} derived`;
}

/** 0..1. */
export function share({ planned, checks }: ProgressCounts): number {
  return planned === 0 ? 0 : Math.min(1, checks / planned);
}

/** How fast a run goes, over all of it: budgets keep the rate even. */
export class Pace {
  readonly #nowMs: () => number;
  readonly #startedMs: number;

  /** `nowMs`: monotonic milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  elapsedMs(): number {
    return this.#nowMs() - this.#startedMs;
  }

  /** Checks a second; empty while unknown. */
  rate(counts: ProgressCounts): string {
    const perSecond = this.#perSecond(counts);
    if (perSecond === 0) return "";
    return `${perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond))}/s`;
  }

  /** Time left; empty while unknown and at the end. */
  remaining(counts: ProgressCounts): string {
    const perSecond = this.#perSecond(counts);
    const left = counts.planned - counts.checks;
    return perSecond === 0 || left <= 0 ? "" : `ETA ${duration(left / perSecond)}`;
  }

  #perSecond({ checks }: ProgressCounts): number {
    const elapsedMs = this.elapsedMs();
    return elapsedMs <= 0 ? 0 : checks / (elapsedMs / 1000);
  }
}
