import { monotonicMs } from "../lib/clock.ts";

/** The clock pacing goes by; tests bring their own to go through hours in no time. */
export interface Timing {
  /** Monotonic milliseconds. */
  now(): number;
  /**
   * Calls `wake` once, not before `ms` are over but for the timer's rounding, at the earliest in the next turn of the
   * event loop; the answer calls it off.
   */
  after(ms: number, wake: () => void): () => void;
}

export const REAL_TIMING: Timing = {
  now: monotonicMs,
  after(ms, wake) {
    if (ms <= 0) {
      const immediate = setImmediate(wake);
      return () => clearImmediate(immediate);
    }
    const timer = setTimeout(wake, Math.ceil(ms));
    return () => clearTimeout(timer);
  },
};

/** Waits until the clock shows `untilMs`, or throws the signal's reason as soon as it is aborted. */
export function waitUntil(untilMs: number, signal: AbortSignal, timing: Timing): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    let cancel = timing.after(untilMs - timing.now(), onTimer);
    signal.addEventListener("abort", onAbort, { once: true });
    function onTimer(): void {
      const leftMs = untilMs - timing.now();
      if (leftMs > 0) {
        // Node's timers may fire a fraction of a millisecond early.
        cancel = timing.after(leftMs, onTimer);
        return;
      }
      signal.removeEventListener("abort", onAbort);
      resolve();
    }
    function onAbort(): void {
      cancel();
      reject(signal.reason);
    }
  });
}
