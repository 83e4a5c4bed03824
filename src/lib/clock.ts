/** Monotonic milliseconds with microsecond resolution; for durations only. */
export function monotonicMs(): number {
  return performance.now();
}

/** Wall clock, ms since the epoch; for timestamps only. */
export function wallMs(): number {
  return Date.now();
}

/**
 * Waits `ms`, or throws the signal's reason as soon as it is aborted. The timer is cleared either way.
 */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason);
      return;
    }
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    function onAbort(): void {
      clearTimeout(timer);
      reject(signal.reason);
    }
    signal.addEventListener("abort", onAbort, { once: true });
  });
}
