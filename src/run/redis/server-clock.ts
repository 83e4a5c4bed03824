/** Clocks drift apart by less than this part of the time that passes. */
const DRIFT = 1e-4;

/**
 * Tells when, on our clock, an answer comes that the server gives at a time of its own: by the fastest answer seen. An
 * answer that takes longer makes what it says late, not the clock.
 */
export class ServerClock {
  #offsetMs = Number.NaN;
  #seenAtMs = 0;

  /** The server's clock showed `serverMs` between the two times of ours. */
  saw(serverMs: number, sentAtMs: number, receivedAtMs: number): void {
    const fastestMs = this.#offsetMs + (receivedAtMs - this.#seenAtMs) * DRIFT;
    const offsetMs = Math.min(Number.isNaN(fastestMs) ? Infinity : fastestMs, receivedAtMs - serverMs);
    // It cannot have been before the question: the server's clock was set.
    this.#offsetMs = Math.max(offsetMs, sentAtMs - serverMs);
    this.#seenAtMs = receivedAtMs;
  }

  /** A time of the server on our clock. */
  ours(serverMs: number): number {
    return serverMs + this.#offsetMs;
  }
}
