import { CLIENT_REST_MS } from "../lib/pacing.ts";
import type { Turns } from "./shared-pacing.ts";
import { type Timing, waitUntil } from "./timing.ts";
import { WaitingLine } from "./waiting-line.ts";

/** Never two connections with one client id at once, nor shortly after each other. */
export class ClientTurns implements Turns {
  readonly #timing: Timing;
  /** Whose turn is taken, with those who wait for it. */
  readonly #taken = new Map<string, WaitingLine>();
  /** When each id may connect again, oldest first: all rest equally long. */
  readonly #restUntilMs = new Map<string, number>();

  constructor(timing: Timing) {
    this.#timing = timing;
  }

  /** Client ids that something is known about; those long gone are forgotten. */
  get size(): number {
    return new Set([...this.#taken.keys(), ...this.#restUntilMs.keys()]).size;
  }

  /** Has anybody here the id's turn, or had it until just now? */
  isTaken(id: string): boolean {
    return this.#taken.has(id) || (this.#restUntilMs.get(id) ?? 0) > this.#timing.now();
  }

  /** Waits for the id's turn; when aborted it throws the signal's reason and the next one moves up. */
  async take(id: string, _longestMs: number, signal: AbortSignal): Promise<void> {
    const line = this.#taken.get(id);
    if (line === undefined) this.#taken.set(id, new WaitingLine());
    else await line.join(signal);
    try {
      const restUntilMs = this.#restUntilMs.get(id);
      if (restUntilMs !== undefined && restUntilMs > this.#timing.now()) {
        await waitUntil(restUntilMs, signal, this.#timing);
      }
      signal.throwIfAborted();
    } catch (error) {
      this.giveBack(id);
      throw error;
    }
  }

  /** Nobody takes a turn away. */
  holds(): boolean {
    return true;
  }

  /** Ends a turn in which nothing was connected. */
  giveBack(id: string): void {
    if (this.#taken.get(id)?.releaseFirst() !== true) this.#taken.delete(id);
    this.#forgetRested();
  }

  /** Ends a turn: the connection is over. */
  end(id: string): void {
    // Deleted first, so that it moves to the end of the order.
    this.#restUntilMs.delete(id);
    this.#restUntilMs.set(id, this.#timing.now() + CLIENT_REST_MS);
    this.giveBack(id);
  }

  #forgetRested(): void {
    const now = this.#timing.now();
    for (const [id, untilMs] of this.#restUntilMs) {
      if (untilMs > now) return;
      this.#restUntilMs.delete(id);
    }
  }
}
