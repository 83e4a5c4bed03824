import { monotonicMs } from "./clock.ts";

/** How often the event loop is asked for a sign of life while somebody watches. */
const BEAT_MS = 5;
/** Beats farther apart than this are a stall; timers alone are late by a millisecond or two. */
const STALL_MS = 10;
/** A time may be wrong by this part of itself before it misleads. */
const TOLERATED_PART = 0.1;

/** What the event loop may have added to a time that is being taken. */
export interface DelayWatch {
  /** At most so much later than it happened has anything been seen since the watch began, in ms. */
  worstMs(): number;
  /** How long the loop stood still in all since the watch began, in ms; ordinary turns count for nothing. */
  stalledMs(): number;
  /** Must be called once nothing is asked any more. */
  stop(): void;
}

/**
 * Watches this process's event loop: a long turn (garbage collection, somebody else's synchronous work, a machine that
 * stands still) lets everything look slower than it was.
 */
export function watchDelay(): DelayWatch {
  const watch = new Watch(monotonicMs());
  heart.add(watch);
  return {
    // A late answer may be seen before the late beat, so what is going on counts too.
    worstMs: () => Math.max(watch.worstMs, watch.stall(heart.silence())),
    stalledMs: () => watch.stalledMs + watch.stall(heart.silence()),
    stop: () => heart.delete(watch),
  };
}

/** Whether `tookMs` says something about the peer although our own loop may have added up to `delayMs` to it. */
export function isTrusted(tookMs: number, delayMs: number): boolean {
  return delayMs <= Math.max(STALL_MS, tookMs * TOLERATED_PART);
}

/**
 * Calls `over` when `ms` have passed, not counting the time in which the event loop stood still: what the peer sent
 * meanwhile has yet to be read. Never later than after twice `ms`. The answer calls it off.
 *
 * @param over is told for how long the loop stood still in all, in ms
 * @param isAnswerDue false: there is nothing to be read yet, and no time is given back
 */
export function deadline(
  ms: number,
  over: (stalledMs: number) => void,
  isAnswerDue: () => boolean = () => true,
): () => void {
  const watch = watchDelay();
  const mostMs = Math.max(0, ms);
  let grantedMs = 0;
  let timer = setTimeout(onTimer, mostMs);
  function onTimer(): void {
    const stalledMs = watch.stalledMs();
    const owedMs = Math.min(stalledMs, mostMs) - grantedMs;
    if (owedMs >= 1 && isAnswerDue()) {
      grantedMs += owedMs;
      timer = setTimeout(onTimer, owedMs);
      return;
    }
    watch.stop();
    over(stalledMs);
  }
  return () => {
    clearTimeout(timer);
    watch.stop();
  };
}

/** From one sign of life to the next. */
interface Silence {
  readonly fromMs: number;
  readonly toMs: number;
}

class Watch {
  readonly #sinceMs: number;
  worstMs = 0;
  stalledMs = 0;

  constructor(sinceMs: number) {
    this.#sinceMs = sinceMs;
  }

  /** How much of it is a stall within the watch, in ms. */
  stall({ fromMs, toMs }: Silence): number {
    const overlapMs = toMs - Math.max(fromMs, this.#sinceMs);
    return overlapMs > STALL_MS ? overlapMs : 0;
  }

  add(silence: Silence): void {
    const stallMs = this.stall(silence);
    this.worstMs = Math.max(this.worstMs, stallMs);
    this.stalledMs += stallMs;
  }
}

/** Beats only while somebody watches, and keeps no process alive. */
class Heart {
  readonly #watches = new Set<Watch>();
  #timer: NodeJS.Timeout | null = null;
  #lastMs = 0;

  add(watch: Watch): void {
    this.#watches.add(watch);
    if (this.#timer !== null) return;
    this.#lastMs = monotonicMs();
    this.#timer = setInterval(() => this.#beat(), BEAT_MS);
    this.#timer.unref();
  }

  delete(watch: Watch): void {
    this.#watches.delete(watch);
    if (this.#watches.size > 0 || this.#timer === null) return;
    clearInterval(this.#timer);
    this.#timer = null;
  }

  /** The one that is still going on. */
  silence(): Silence {
    return { fromMs: this.#lastMs, toMs: monotonicMs() };
  }

  #beat(): void {
    const silence = this.silence();
    this.#lastMs = silence.toMs;
    // Nearly always: nobody has to be told.
    if (silence.toMs - silence.fromMs <= STALL_MS) return;
    for (const watch of this.#watches) watch.add(silence);
  }
}

const heart = new Heart();
