import { createLasting, sharedBy } from "../app/lasting.ts";
import { ShardWorker } from "../app/shard-worker.ts";
import { lockMsOf } from "../app/work.ts";
import { App } from "../app.ts";
import { UsageError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { THIS_PROCESS } from "../model/config.ts";
import { BullWorker } from "../run/bull/bull-worker.ts";
import { sharedChecksum } from "../run/config-checksum.ts";
import { Places } from "../run/lanes.ts";
import { NEVER_PAUSED } from "../run/pause.ts";
import { createRedisPacer } from "../run/redis/pacer.ts";
import { ObservationBatch } from "../run/shards/observations.ts";
import { type Command, withConfig } from "./command.ts";
import { EXIT } from "./io.ts";
import { readConfig } from "./prepare.ts";

export interface WorkerOptions {
  readonly config: string;
  readonly location?: string | undefined;
}

/** Without a location of its own, a worker is where the daemon is, as far as anybody can tell. */
const NOWHERE = "local";

export const workerCommand: Command<WorkerOptions> = {
  command: "worker",
  describe: "Take shards of runs from the queue until told to stop",
  options: (argv) =>
    withConfig(argv).option("location", {
      type: "string",
      requiresArg: true,
      describe: "Where this worker is: takes also what suites ask for from there",
    }),
  run: async ({ config: file, location = null }, io) => {
    const config = await readConfig(file, io);
    if (config === null) return EXIT.usage;
    const { queue } = config;
    if (queue.kind !== "bullmq") {
      throw new UsageError(`${file}: queue.kind: workers of their own take shards from \`bullmq\` only`);
    }
    const log = createLog(io.env.FLEET_SMOKE_LOG_LEVEL ?? "info");
    await using open = new AsyncDisposableStack();
    // What was observed last is told before the connection goes.
    const outlet = { tell: (_: Parameters<BullWorker["observed"]>[0]) => {} };
    const observer = new ObservationBatch((observations) => outlet.tell(observations));
    const onUsed = (used: Parameters<ObservationBatch["budgetUsed"]>[0]) => observer.budgetUsed(used);
    const pacer = open.use(createRedisPacer({ ...sharedBy(queue, log), onUsed }));
    pacer.setTargets(config.targets);
    const paced = { version: io.version, pauseOf: () => NEVER_PAUSED, queue: THIS_PROCESS, log };
    const lasting = { ...createLasting(paced), pacer };
    const app = open.use(new App({ ...io, stdin: null, config, log, lasting, observer }));
    const inFlight = config.targets.map(({ name, concurrency }) => [name, concurrency] as const);
    const worker = open.use(
      new ShardWorker({
        scan: (signal) => app.scan(() => {}, signal, { checkReferences: false }),
        ports: app.runner(location ?? NOWHERE, new Places(new Map(inFlight))),
        configChecksum: sharedChecksum(config),
      }),
    );
    const { redis, ca, prefix } = queue;
    const taking = open.use(
      new BullWorker({
        ...{ server: { url: redis, ca }, prefix, location, log, lockMs: lockMsOf(io.env) },
        run: (shard, report, signals) => worker.run(shard, report, signals),
      }),
    );
    outlet.tell = (observations) => taking.observed(observations);
    open.defer(() => observer.flush());
    log.info({ location, prefix }, "taking shards");
    await told(io.signal);
    log.info("draining");
    return EXIT.ok;
  },
};

function told(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
