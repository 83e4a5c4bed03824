import type { Redis } from "ioredis";
import { scrub } from "../../lib/scrub.ts";
import { createPacer, type PacerOptions, type RunPacer } from "../pacer.ts";
import { REAL_TIMING } from "../timing.ts";
import { connectRedis, type RedisServer } from "./connect.ts";
import { LeasedTurns } from "./leases.ts";
import { UNKNOWN_PAST_MS } from "./reserve.ts";
import { SharedBucket } from "./shared-bucket.ts";

export interface RedisPacerOptions extends Omit<PacerOptions, "shared"> {
  readonly server: RedisServer;
  /** What all keys begin with. Who shares budgets shares server and prefix. */
  readonly prefix: string;
  /** Redis is in trouble: nothing is let through until it is back. Text without credentials. */
  readonly onTrouble: (message: string) => void;
  /** How long the client ids of a process that died stay taken after its longest connection; omitted: 15 seconds. */
  readonly leaseMarginMs?: number;
}

export interface RedisPacer extends RunPacer, AsyncDisposable {
  /**
   * Holds back everybody on this prefix, or lets them go on; told again whenever the server comes back. Rejects when
   * the server cannot be told now.
   */
  setPaused(isPaused: boolean): Promise<void>;
}

/**
 * Paces everything that spends a quota together with all other processes on the same Redis and prefix: token buckets on
 * the server's clock, and a lease for each client id. Without Redis nothing is let through; who waits, waits until their
 * signal is aborted. After a lost connection a second passes first: the server may have forgotten what was used.
 */
export function createRedisPacer(options: RedisPacerOptions): RedisPacer {
  const { server, prefix, onTrouble, leaseMarginMs, timing = REAL_TIMING } = options;
  const redis = connectRedis(server, { whenDown: "fail", name: "fleet-smoke-pacing", onTrouble });
  const turns = new LeasedTurns(redis, prefix, timing, leaseMarginMs);
  const pauseKey = `${prefix}:paused`;
  const buckets: SharedBucket[] = [];
  let paused: boolean | null = null;

  const pacer = createPacer({
    ...options,
    shared: {
      turns,
      bucket: (key, rate) => {
        const keys = { bucket: `${prefix}:budget:${key}`, pause: pauseKey };
        const bucket = new SharedBucket(redis, keys, rate, timing);
        buckets.push(bucket);
        return bucket;
      },
    },
  });

  let wasLost = false;
  function forgetAll(): void {
    for (const bucket of buckets) bucket.forget(UNKNOWN_PAST_MS);
  }
  redis.on("close", () => {
    wasLost = true;
    forgetAll();
  });
  redis.on("ready", () => {
    if (wasLost) forgetAll();
    if (paused !== null)
      tellPause(redis, pauseKey, paused).catch((error: Error) =>
        onTrouble(scrub(error.message, [server.url])),
      );
  });

  return {
    ...pacer,
    async setPaused(isPaused) {
      paused = isPaused;
      await tellPause(redis, pauseKey, isPaused);
    },
    async [Symbol.asyncDispose]() {
      turns.close();
      redis.disconnect();
    },
  };
}

async function tellPause(redis: Redis, key: string, isPaused: boolean): Promise<void> {
  if (isPaused) await redis.set(key, "1");
  else await redis.del(key);
}
