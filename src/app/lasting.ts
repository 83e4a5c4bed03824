import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { scrub } from "../lib/scrub.ts";
import { createMetrics, type Metrics } from "../metrics/metrics.ts";
import type { QueueConfig } from "../model/config.ts";
import type { DerivedLedger } from "../model/ports.ts";
import { createDerivedLedger } from "../run/derived-ledger.ts";
import { createPacer, type RunPacer } from "../run/pacer.ts";
import type { PauseGate } from "../run/pause.ts";
import { createRedisPacer, type RedisPacerOptions } from "../run/redis/pacer.ts";

export const LOCATION = "local";

/**
 * What outlives a configuration: counters go on, and budgets, the rest of client ids and what was spent on derived
 * checks hold across a reload, also while runs of the old configuration are still under way.
 */
export interface Lasting extends AsyncDisposable {
  readonly metrics: Metrics;
  readonly pacer: RunPacer;
  readonly derivedLedger: DerivedLedger;
  readonly pause: PauseGate;
}

export interface LastingOptions<P extends PauseGate> {
  readonly version: string;
  /** The switch that holds the pacer back; `shown`: what is to know when it is on. */
  readonly pauseOf: (shown: Pick<Metrics, "paused">) => P;
  /** Omitted: in memory. */
  readonly derivedLedger?: DerivedLedger;
  /** Who shares the budgets: everybody on its server, or nobody. */
  readonly queue: QueueConfig;
  readonly log: Log;
}

export function createLasting<P extends PauseGate>(
  options: LastingOptions<P>,
): Lasting & { readonly pause: P } {
  const { version, pauseOf, derivedLedger = createDerivedLedger(), queue, log } = options;
  const metrics = createMetrics({ version, location: LOCATION });
  const tellOthers = { paused: (_isPaused: boolean) => {} };
  const pause = pauseOf({
    paused(isPaused) {
      metrics.paused(isPaused);
      tellOthers.paused(isPaused);
    },
  });
  const onUsed = (used: { readonly target: string; readonly operation: string }) => metrics.budgetUsed(used);
  if (queue.kind === "local") {
    const pacer = createPacer({ pause, onUsed });
    return { metrics, pacer, derivedLedger, pause, [Symbol.asyncDispose]: async () => {} };
  }
  const pacer = createRedisPacer({ pause, onUsed, ...sharedBy(queue, log) });
  tellOthers.paused = (isPaused) => {
    pacer.setPaused(isPaused).catch((error: unknown) => {
      log.warn({ error: scrub(errorMessage(error), [queue.redis]) }, "others do not know of the pause yet");
    });
  };
  if (pause.paused() !== null) tellOthers.paused(true);
  return { metrics, pacer, derivedLedger, pause, [Symbol.asyncDispose]: () => pacer[Symbol.asyncDispose]() };
}

/** What a pacer needs to share budgets with everybody on the queue's server. */
export function sharedBy(
  { redis, ca, prefix }: Extract<QueueConfig, { readonly kind: "bullmq" }>,
  log: Log,
): Pick<RedisPacerOptions, "server" | "prefix" | "onTrouble"> {
  return {
    server: { url: redis, ca },
    prefix,
    onTrouble: (message) => log.warn({ message }, "budgets cannot be shared: nothing is let through"),
  };
}
