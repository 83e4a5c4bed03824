import type { Redis } from "ioredis";
import { toleranceMs } from "../../lib/pacing.ts";
import { lowerRate, type Rate } from "../rate.ts";
import type { Bucket } from "../shared-pacing.ts";
import type { Timing } from "../timing.ts";
import { WaitingLine } from "../waiting-line.ts";
import { type BucketKeys, reserve, slowDown } from "./reserve.ts";
import { ServerClock } from "./server-clock.ts";

/** Tokens asked for in one round trip. */
const MOST_AT_ONCE = 16;
/** Between an answer and the next question: who comes meanwhile is asked for together. */
const COLLECT_MS = 10;
/** After a question that was not answered; shaken, so that many who lost one server part. */
const ASK_AGAIN_MS = { least: 200, most: 500 } as const;

/**
 * A bucket that all processes on one Redis take from. It reserves tokens of the next moments, uses each when it is due,
 * and lets go of those it comes too late for. Without Redis nobody gets any.
 */
export class SharedBucket implements Bucket {
  readonly #redis: Redis;
  readonly #keys: BucketKeys;
  readonly #timing: Timing;
  readonly #line = new WaitingLine();
  readonly #clock = new ServerClock();
  #rate: Rate;
  /** When each reserved token is due, the next one first. */
  #due: number[] = [];
  #askAtMs = Number.NEGATIVE_INFINITY;
  #isAsking = false;
  /** Which connection answers: what an earlier one promised may be forgotten. */
  #connection = 0;
  #cancelTimer: (() => void) | null = null;

  constructor(redis: Redis, keys: BucketKeys, rate: Rate, timing: Timing) {
    this.#redis = redis;
    this.#keys = keys;
    this.#rate = rate;
    this.#timing = timing;
  }

  set(rate: Rate): void {
    this.#rate = rate;
  }

  lower(rate: Rate): void {
    this.#rate = lowerRate(this.#rate, rate);
  }

  take(signal: AbortSignal): Promise<void> {
    const turn = this.#line.join(signal, () => this.#stopWhenIdle());
    this.#serve();
    return turn;
  }

  throttled(ms: number): void {
    this.forget(ms);
    slowDown(this.#redis, this.#keys, this.#rate, ms).catch(() => {
      // Nobody gets tokens without the server, and who comes back waits a second.
    });
  }

  /** Lets go of what is reserved, and asks for nothing for `ms`. */
  forget(ms: number): void {
    this.#due = [];
    this.#connection++;
    this.#askAtMs = Math.max(this.#askAtMs, this.#timing.now() + ms);
    this.#rearm();
  }

  #serve(): void {
    if (this.#cancelTimer !== null) return;
    const now = this.#timing.now();
    const voidBeforeMs = now - toleranceMs(this.#rate.perSecond);
    this.#due = this.#due.filter((dueMs) => dueMs >= voidBeforeMs);
    const [next] = this.#due;
    if (next !== undefined && next <= now && this.#line.size > 0) {
      this.#due.shift();
      this.#line.releaseFirst();
      // One a turn of the event loop: who got it uses it before the next is given out.
      this.#wake(0);
      return;
    }
    if (this.#wantsMore && !this.#isAsking && now >= this.#askAtMs) void this.#ask();
    this.#rearm();
  }

  async #ask(): Promise<void> {
    this.#isAsking = true;
    const connection = this.#connection;
    const sentAtMs = this.#timing.now();
    const wanted = Math.min(this.#line.size - this.#due.length, MOST_AT_ONCE);
    try {
      const reserved = await reserve(this.#redis, this.#keys, this.#rate, wanted);
      if (connection === this.#connection) {
        const receivedAtMs = this.#timing.now();
        this.#clock.saw(reserved.nowMs, sentAtMs, receivedAtMs);
        this.#due.push(...reserved.dueMs.map((dueMs) => this.#clock.ours(dueMs)));
        this.#askAtMs = receivedAtMs + Math.max(reserved.waitMs, COLLECT_MS);
      }
    } catch {
      const { least, most } = ASK_AGAIN_MS;
      this.#askAtMs = this.#timing.now() + least + Math.random() * (most - least);
    }
    this.#isAsking = false;
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    this.#serve();
  }

  get #wantsMore(): boolean {
    return this.#line.size > this.#due.length;
  }

  #rearm(): void {
    this.#cancelTimer?.();
    this.#cancelTimer = null;
    if (this.#line.isEmpty) return;
    const askAtMs = this.#wantsMore && !this.#isAsking ? this.#askAtMs : Number.POSITIVE_INFINITY;
    const atMs = Math.min(this.#due[0] ?? Number.POSITIVE_INFINITY, askAtMs);
    if (atMs < Number.POSITIVE_INFINITY) this.#wake(atMs - this.#timing.now());
  }

  #wake(ms: number): void {
    this.#cancelTimer = this.#timing.after(ms, () => {
      this.#cancelTimer = null;
      this.#serve();
    });
  }

  #stopWhenIdle(): void {
    if (this.#line.isEmpty) this.#rearm();
  }
}
