import type { Timing } from "../../src/run/timing.ts";

interface Alarm {
  readonly atMs: number;
  readonly wake: () => void;
}

/** A clock the test turns: hours pass in no time, and each timer comes `latenessMs()` late, as real ones do. */
export class SimulatedTiming implements Timing {
  readonly #latenessMs: () => number;
  readonly #alarms = new Set<Alarm>();
  #nowMs = 0;

  constructor(latenessMs: () => number = () => 0) {
    this.#latenessMs = latenessMs;
  }

  get timers(): number {
    return this.#alarms.size;
  }

  now(): number {
    return this.#nowMs;
  }

  after(ms: number, wake: () => void): () => void {
    const latenessMs = ms <= 0 ? 0 : this.#latenessMs();
    const alarm = { atMs: this.#nowMs + Math.max(0, ms) + latenessMs, wake };
    this.#alarms.add(alarm);
    return () => this.#alarms.delete(alarm);
  }

  /** The process is busy: time passes, and no timer comes. */
  stall(ms: number): void {
    this.#nowMs += ms;
  }

  /** Goes to that time, timer by timer; what each wakes up runs at its time. */
  async runTo(untilMs: number): Promise<void> {
    await settle();
    for (;;) {
      const next = [...this.#alarms].reduce<Alarm | null>(
        (first, each) => (first === null || each.atMs < first.atMs ? each : first),
        null,
      );
      if (next === null || next.atMs > untilMs) break;
      this.#alarms.delete(next);
      this.#nowMs = Math.max(this.#nowMs, next.atMs);
      next.wake();
      await settle();
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs);
  }
}

/** Lets promises that are due run their course. */
async function settle(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
