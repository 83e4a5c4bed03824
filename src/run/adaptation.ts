import type { Timing } from "./timing.ts";

/** What is left of the rate after a throttled call. */
export const CUT = 0.5;
/** Even where others take the whole quota we ask now and then, or we would not notice that they have stopped. */
export const LEAST = 0.05;
/** Of the limit, a second: back from a cut within ten. */
export const REGAIN_PER_SECOND = 0.05;
/** Calls that were under way when the rate was cut say nothing about the new one. */
export const SAME_EVENT_MS = 1000;

/**
 * Which part of a limit to use while somebody else spends from the same quota: multiplicative decrease when AWS
 * throttles, additive increase while it does not (AIMD, RFC 5681 section 3.1), so that we and the others end up with
 * a share each.
 */
export class Adaptation {
  readonly #timing: Timing;
  #share = 1;
  #cutAtMs = Number.NEGATIVE_INFINITY;

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  /** From 0.05 to 1. */
  share(): number {
    if (this.#share === 1) return 1;
    const seconds = (this.#timing.now() - this.#cutAtMs) / 1000;
    return Math.min(1, this.#share + seconds * REGAIN_PER_SECOND);
  }

  throttled(): void {
    const now = this.#timing.now();
    if (now - this.#cutAtMs < SAME_EVENT_MS) return;
    this.#share = Math.max(LEAST, this.share() * CUT);
    this.#cutAtMs = now;
  }
}
