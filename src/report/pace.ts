import type { VerdictCounts } from "../model/gate.ts";
import { count, duration } from "./numbers.ts";

/** How far a run is. */
export interface ProgressCounts extends VerdictCounts {
  readonly planned: number;
}

export function done({ pass, fail, inconclusive, skipped }: VerdictCounts): number {
  return pass + fail + inconclusive + skipped;
}

/** 0..1; derived checks, which nobody planned, do not take it beyond. */
export function share(counts: ProgressCounts): number {
  return counts.planned === 0 ? 0 : Math.min(1, done(counts) / counts.planned);
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
    const left = counts.planned - done(counts);
    return perSecond === 0 || left <= 0 ? "" : `ETA ${duration(left / perSecond)}`;
  }

  #perSecond(counts: ProgressCounts): number {
    const elapsedMs = this.elapsedMs();
    return elapsedMs <= 0 ? 0 : done(counts) / (elapsedMs / 1000);
  }
}
