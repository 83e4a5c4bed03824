import { randomUUID } from "node:crypto";
import type { Redis } from "ioredis";
import { CLIENT_REST_MS } from "../../lib/pacing.ts";
import { ClientTurns } from "../client-turns.ts";
import type { Turns } from "../shared-pacing.ts";
import { type Timing, waitUntil } from "../timing.ts";
import { LeaseCalls } from "./lease-calls.ts";

/** A lease outlives the longest connection by this: one that can no longer be renewed ends before somebody else begins. */
const MARGIN_MS = 15_000;
const RENEWALS_IN_MARGIN = 4;
/** How often is looked whether somebody else's lease is over; shaken, so that many who wait part. */
const LOOK_MS = { least: 150, most: 400 } as const;

interface Lease {
  /** Nobody else's value: only who took the lease can renew or end it. */
  readonly token: string;
  readonly lengthMs: number;
  /** On our clock, counted from before the server was asked. */
  untilMs: number;
}

/**
 * Turns that hold for all processes on one Redis: within this one a line, between them a lease for each client id.
 * It is renewed while held, and ends by itself when its holder dies.
 */
export class LeasedTurns implements Turns {
  readonly #redis: Redis;
  readonly #calls: LeaseCalls;
  readonly #prefix: string;
  readonly #timing: Timing;
  readonly #here: ClientTurns;
  readonly #marginMs: number;
  readonly #leases = new Map<string, Lease>();
  #cancelRenewal: (() => void) | null = null;

  constructor(redis: Redis, prefix: string, timing: Timing, marginMs = MARGIN_MS) {
    this.#redis = redis;
    this.#calls = new LeaseCalls(redis);
    this.#prefix = prefix;
    this.#timing = timing;
    this.#here = new ClientTurns(timing);
    this.#marginMs = marginMs;
  }

  async take(id: string, longestMs: number, signal: AbortSignal): Promise<void> {
    await this.#here.take(id, longestMs, signal);
    try {
      await this.#acquire(id, longestMs + this.#marginMs, signal);
    } catch (error) {
      this.#here.giveBack(id);
      throw error;
    }
  }

  holds(id: string, longestMs: number): boolean {
    return (this.#leases.get(id)?.untilMs ?? 0) >= this.#timing.now() + longestMs;
  }

  giveBack(id: string): void {
    this.#release(id, 0);
    this.#here.giveBack(id);
  }

  end(id: string): void {
    this.#release(id, CLIENT_REST_MS);
    this.#here.end(id);
  }

  /** Where the server cannot be asked: what is known here. */
  async isTaken(id: string): Promise<boolean> {
    if (this.#here.isTaken(id)) return true;
    try {
      return (await this.#redis.exists(this.#key(id))) === 1;
    } catch {
      return false;
    }
  }

  /** Says what was not said yet, and renews nothing any more; what is still held ends by itself. */
  close(): void {
    this.#calls.flush();
    this.#cancelRenewal?.();
    this.#cancelRenewal = null;
    this.#leases.clear();
  }

  async #acquire(id: string, lengthMs: number, signal: AbortSignal): Promise<void> {
    const token = randomUUID();
    for (;;) {
      signal.throwIfAborted();
      const askedAtMs = this.#timing.now();
      const takenMs = await this.#calls.take(this.#key(id), token, lengthMs);
      if (takenMs === 0) {
        this.#leases.set(id, { token, lengthMs, untilMs: askedAtMs + lengthMs });
        this.#scheduleRenewal();
        return;
      }
      const { least, most } = LOOK_MS;
      const pauseMs = Math.min(takenMs ?? most, least + Math.random() * (most - least));
      await waitUntil(this.#timing.now() + pauseMs, signal, this.#timing);
    }
  }

  #release(id: string, restMs: number): void {
    const lease = this.#leases.get(id);
    if (lease === undefined) return;
    this.#leases.delete(id);
    void this.#calls.setEnd(this.#key(id), lease.token, restMs);
  }

  #scheduleRenewal(): void {
    if (this.#cancelRenewal !== null || this.#leases.size === 0) return;
    this.#cancelRenewal = this.#timing.after(
      this.#marginMs / RENEWALS_IN_MARGIN,
      () => void this.#renewAll(),
    );
  }

  async #renewAll(): Promise<void> {
    await Promise.all([...this.#leases].map(([id, lease]) => this.#renew(id, lease)));
    this.#cancelRenewal = null;
    this.#scheduleRenewal();
  }

  async #renew(id: string, lease: Lease): Promise<void> {
    const askedAtMs = this.#timing.now();
    const renewed = await this.#calls.setEnd(this.#key(id), lease.token, lease.lengthMs);
    if (renewed === 1) lease.untilMs = askedAtMs + lease.lengthMs;
    // Somebody else may have it: whoever waits for a token with it must not connect.
    else if (renewed === 0) lease.untilMs = 0;
  }

  #key(id: string): string {
    return `${this.#prefix}:client:${id}`;
  }
}
