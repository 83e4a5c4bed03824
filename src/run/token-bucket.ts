import { HEADROOM, toleranceMs } from "../lib/pacing.ts";
import { Adaptation } from "./adaptation.ts";
import { lowerRate, type Rate } from "./rate.ts";
import type { Bucket } from "./shared-pacing.ts";
import type { Timing } from "./timing.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Below this spacing a busy process's timers are too coarse to keep tokens a gap apart and the rate up. */
const FINE_SPACING_MS = 25;
const FINE_TOLERANCE_MS = 10;

/**
 * A token bucket as the generic cell rate algorithm (ITU-T I.371), twice: on a schedule a little below the limit,
 * which a late timer does not push back, and on the limit itself, which keeps those who catch up apart. No sliding
 * second passes more than limit + burst, which fixed windows cannot promise. One token a turn of the event loop: who
 * got it uses it before the next is given out, so that a busy process does not hoard tokens and use them in a bunch.
 */
export class TokenBucket implements Bucket {
  readonly #timing: Timing;
  readonly #line = new WaitingLine();
  readonly #adaptation: Adaptation;
  #rate: Rate;
  /** When the next token is due on an even schedule. */
  #dueMs = Number.NEGATIVE_INFINITY;
  /** When the limit itself next has a token. */
  #apartMs = Number.NEGATIVE_INFINITY;
  /** Since when somebody waits: a token that nobody wanted is not late. */
  #wantedSinceMs = Number.NEGATIVE_INFINITY;
  /** Until then a throttled call keeps everybody waiting. */
  #restsUntilMs = Number.NEGATIVE_INFINITY;
  #cancelTimer: (() => void) | null = null;

  constructor(rate: Rate, timing: Timing) {
    this.#rate = rate;
    this.#timing = timing;
    this.#adaptation = new Adaptation(timing);
  }

  /** Tokens a second at present: the limit, or less for a while after a throttled call. */
  get perSecond(): number {
    return this.#rate.perSecond * this.#adaptation.share();
  }

  /** Keeps the lower of both limits: each user of the bucket names one, and none may be exceeded. */
  lower(rate: Rate): void {
    this.#rate = lowerRate(this.#rate, rate);
  }

  /** Those who wait already go by the new rate, and nobody pays off more than its burst. */
  set(rate: Rate): void {
    this.#rate = rate;
    this.#dueMs = Math.min(this.#dueMs, Math.max(this.#restsUntilMs, this.#timing.now()) + this.#burstMs());
    this.#rearm();
  }

  /** Waits for one token; when aborted it throws the signal's reason and no token is lost. */
  take(signal: AbortSignal): Promise<void> {
    if (this.#line.isEmpty) this.#wantedSinceMs = this.#timing.now();
    const turn = this.#line.join(signal, () => this.#stopWhenIdle());
    this.#serve();
    return turn;
  }

  /** A call was throttled: gives out nothing for `ms`, no burst afterwards, and then fewer than the limit. */
  throttled(ms: number): void {
    this.#adaptation.throttled();
    this.#restsUntilMs = Math.max(this.#restsUntilMs, this.#timing.now() + ms);
    this.#dueMs = Math.max(this.#dueMs, this.#restsUntilMs + this.#burstMs());
    this.#rearm();
  }

  #serve(): void {
    if (this.#cancelTimer !== null) return;
    const now = this.#timing.now();
    if (!this.#line.isEmpty && now >= this.#openMs()) {
      const onTimeMs = now - toleranceMs(this.#rate.perSecond);
      this.#dueMs = Math.max(this.#dueMs, this.#wantedSinceMs, onTimeMs) + this.#spacingMs();
      this.#apartMs = Math.max(this.#apartMs, now) + this.#gapMs();
      this.#line.releaseFirst();
      this.#wake(0);
    } else this.#rearm();
  }

  #rearm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (!this.#line.isEmpty) this.#wake(this.#openMs() - this.#timing.now());
  }

  #wake(ms: number): void {
    this.#cancelTimer = this.#timing.after(ms, () => {
      this.#cancelTimer = null;
      this.#serve();
    });
  }

  #stopWhenIdle(): void {
    if (!this.#line.isEmpty) return;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
  }

  /**
   * When the next token may go: a burst lets it go before it is due. How much before goes by the limit also while
   * fewer are given out, or a burst owed at a low rate would be waited for at the full one.
   */
  #openMs(): number {
    const limitMs = 1000 / this.#rate.perSecond;
    const inBurst = (this.#rate.burst - 1) * limitMs;
    const earlyMs = inBurst + (limitMs < FINE_SPACING_MS ? FINE_TOLERANCE_MS : 0);
    return Math.max(this.#dueMs - this.#burstMs(), this.#apartMs - earlyMs);
  }

  #burstMs(): number {
    return (this.#rate.burst - 1) * (1000 / this.#rate.perSecond / HEADROOM);
  }

  #spacingMs(): number {
    return this.#gapMs() / HEADROOM;
  }

  #gapMs(): number {
    return 1000 / this.perSecond;
  }
}
