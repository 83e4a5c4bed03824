import { availableParallelism } from "node:os";
import type { Log } from "../lib/log.ts";
import type { Config } from "../model/config.ts";
import type { Observation, SourceFile } from "../model/shard.ts";
import { BullQueue } from "../run/bull/bull-queue.ts";
import { sharedChecksum } from "../run/config-checksum.ts";
import { howMany } from "../run/local/how-many.ts";
import { LocalQueue } from "../run/local/local-queue.ts";
import type { RunPacer } from "../run/pacer.ts";
import { distribute } from "../run/shards/coordinator.ts";
import { type CheckObserver, observe } from "../run/shards/observations.ts";
import type { ShardQueue } from "../run/shards/queue.ts";
import { type InProcessParts, inProcess, type WorkFn } from "../run/work.ts";

export interface WorkOptions {
  readonly runId: string;
  readonly suite: string;
  readonly config: Config;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** How to start this program again; empty: that cannot be done. */
  readonly self: readonly string[];
  readonly pacer: RunPacer;
  readonly observer: CheckObserver;
  readonly here: InProcessParts;
  /** Of the plan, once it is made. */
  readonly files: () => readonly SourceFile[];
  readonly log: Log;
}

/** Who does the checks of a run, as configured. */
export function createWork(options: WorkOptions): WorkFn {
  const { config, self, here, pacer, observer, log } = options;
  const { queue } = config;
  const onObserved = (observation: Observation) => observe(observer, observation);
  if (queue.kind === "bullmq") {
    const { prefix, redis, ca } = queue;
    const server = { url: redis, ca };
    const lockMs = lockMsOf(options.env);
    return distributed(
      options,
      () => new BullQueue({ ...{ server, prefix, runId: options.runId, onObserved, log, lockMs } }),
    );
  }
  const workers = howMany(queue.workers, config.targets, availableParallelism());
  if (workers === 1 || self.length === 0) return inProcess(here);
  const { location } = here;
  return distributed(
    options,
    () => new LocalQueue({ ...{ self, workers, config, location, pacer, onObserved, log } }),
  );
}

/** For tests, which cannot wait for the default: how long a worker that does not stir keeps its shards. */
export function lockMsOf(env: WorkOptions["env"]): number | undefined {
  const text = env.FLEET_SMOKE_SHARD_LOCK_MS;
  return text === undefined ? undefined : Number(text);
}

function distributed(options: WorkOptions, open: () => ShardQueue): WorkFn {
  const { runId, suite, config, here, files, log } = options;
  return async ({ decoys, ...wanted }) => {
    await using queue = open();
    const base = { runId, suite, files: files(), configChecksum: sharedChecksum(config) };
    const targets = new Map(config.targets.map((target) => [target.name, target]));
    const wave = here.secondWave(decoys);
    return await distribute({ ...wanted, base, targets, decoys, wave, log }, queue);
  };
}
