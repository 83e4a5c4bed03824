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

interface Mark {
  readonly atMs: number;
  readonly checks: number;
}

/** Over how long the rate is taken: long enough to be calm, short enough to follow a budget that was lowered. */
const WINDOW_MS = 20_000;

/** How fast a run goes lately, from what `see` was told. */
export class Pace {
  readonly #nowMs: () => number;
  readonly #startedMs: number;
  #marks: Mark[] = [];

  /** `nowMs`: monotonic milliseconds. */
  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
    this.#startedMs = nowMs();
  }

  elapsedMs(): number {
    return this.#nowMs() - this.#startedMs;
  }

  /** Call it with each look at the run, before anything is asked. */
  see({ checks }: ProgressCounts): void {
    const mark = { atMs: this.#nowMs(), checks };
    // Until the first check is done nothing moves: planning is not part of the rate.
    if (checks === 0) this.#marks = [mark];
    else this.#marks.push(mark);
    const since = mark.atMs - WINDOW_MS;
    while (this.#marks.length > 2 && (this.#marks[1]?.atMs ?? since) <= since) this.#marks.shift();
  }

  /** Checks a second; empty while unknown. */
  rate(): string {
    const perSecond = this.#perSecond();
    if (perSecond === 0) return "";
    return `${perSecond < 10 ? perSecond.toFixed(1) : count(Math.round(perSecond))}/s`;
  }

  /** Time left; empty while unknown and at the end. */
  remaining({ planned, checks }: ProgressCounts): string {
    const perSecond = this.#perSecond();
    const left = planned - checks;
    return perSecond === 0 || left <= 0 ? "" : `ETA ${duration(left / perSecond)}`;
  }

  #perSecond(): number {
    const [first, last] = [this.#marks[0], this.#marks.at(-1)];
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0;
    return ((last.checks - first.checks) * 1000) / (last.atMs - first.atMs);
  }
}
