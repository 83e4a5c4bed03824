import { HEADROOM } from "../lib/pacing.ts";
import type { Timing } from "./timing.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface Rate {
  readonly perSecond: number;
  /** Tokens that an idle bucket gives out at once; 1: evenly spaced. */
  readonly burst: number;
}

export function lowerRate(one: Rate, other: Rate): Rate {
  return {
    perSecond: Math.min(one.perSecond, other.perSecond),
    burst: Math.min(one.burst, other.burst),
  };
}

/** Below this spacing several tokens fall into one tick of Node's millisecond timers. */
const FINE_SPACING_MS = 5;
const TIMER_LATENESS_MS = 2;

/**
 * A token bucket as the generic cell rate algorithm (ITU-T I.371): one number, the time at which the next token is
 * due on an even schedule. No sliding second passes more than limit + burst, which fixed windows cannot promise.
 */
export class TokenBucket {
  readonly #timing: Timing;
  readonly #line = new WaitingLine();
  #rate: Rate;
  #dueMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | null = null;

  constructor(rate: Rate, timing: Timing) {
    this.#rate = rate;
    this.#timing = timing;
  }

  /** Keeps the lower of both limits: each user of the bucket names one, and none may be exceeded. */
  lower(rate: Rate): void {
    this.#rate = lowerRate(this.#rate, rate);
  }

  /** Those who wait already go by the new rate. */
  set(rate: Rate): void {
    this.#rate = rate;
    this.#rearm();
  }

  /** Waits for one token; when aborted it throws the signal's reason and no token is lost. */
  take(signal: AbortSignal): Promise<void> {
    const turn = this.#line.join(signal, () => this.#stopWhenIdle());
    this.#serve();
    return turn;
  }

  /** Gives out nothing for `ms`, and no burst afterwards. */
  pause(ms: number): void {
    this.#dueMs = Math.max(this.#dueMs, this.#timing.now() + ms + this.#burstMs());
    this.#rearm();
  }

  #serve(): void {
    for (;;) {
      if (this.#line.isEmpty) return;
      const now = this.#timing.now();
      if (now < this.#openMs()) {
        if (this.#cancelTimer === null) this.#rearm();
        return;
      }
      this.#dueMs = Math.max(this.#dueMs, now - this.#slackMs()) + this.#spacingMs();
      this.#line.releaseFirst();
    }
  }

  #rearm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#line.isEmpty) return;
    this.#cancelTimer = this.#timing.after(Math.max(0, this.#openMs() - this.#timing.now()), () => {
      this.#cancelTimer = null;
      this.#serve();
    });
  }

  #stopWhenIdle(): void {
    if (!this.#line.isEmpty) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /** When the next token may go: a burst lets it go before it is due. */
  #openMs(): number {
    return this.#dueMs - this.#burstMs();
  }

  #burstMs(): number {
    return (this.#rate.burst - 1) * this.#spacingMs();
  }

  #spacingMs(): number {
    return 1000 / (this.#rate.perSecond * HEADROOM);
  }

  /**
   * A timer that fires late by this much does not push back the schedule behind it. The headroom pays for it: two
   * tokens are never closer than the limit itself allows, but where timers are too coarse for that anyway.
   */
  #slackMs(): number {
    const spacingMs = this.#spacingMs();
    const headroomMs = spacingMs * (1 - HEADROOM);
    return spacingMs < FINE_SPACING_MS ? Math.max(headroomMs, TIMER_LATENESS_MS) : headroomMs;
  }
}
