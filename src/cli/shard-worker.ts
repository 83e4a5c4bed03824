import { createLasting } from "../app/lasting.ts";
import { ShardWorker } from "../app/shard-worker.ts";
import { App } from "../app.ts";
import { UsageError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { THIS_PROCESS } from "../model/config.ts";
import { sharedChecksum } from "../run/config-checksum.ts";
import { Places } from "../run/lanes.ts";
import type { ToParent } from "../run/local/messages.ts";
import { RemotePacer } from "../run/local/remote-pacer.ts";
import { serve } from "../run/local/serve.ts";
import { NEVER_PAUSED } from "../run/pause.ts";
import { ObservationBatch } from "../run/shards/observations.ts";
import type { Command } from "./command.ts";
import { EXIT } from "./io.ts";

/** What a run with several workers starts for each of them: no command for people. */
export const shardWorkerCommand: Command<object> = {
  command: "shard-worker",
  describe: false,
  options: (argv) => argv,
  run: async (_options, io) => {
    const { parent } = io;
    if (parent === null) throw new UsageError("shard-worker is started by a run, not by hand");
    const log = createLog(io.env.FLEET_SMOKE_LOG_LEVEL ?? "warn");
    const send = (message: ToParent) => parent.send(message);
    const pacer = new RemotePacer(send);
    await using open = new AsyncDisposableStack();
    const observer = open.use(
      new ObservationBatch((observations) => send({ kind: "observed", observations })),
    );
    await serve({
      ...{ channel: parent, pacer, log },
      begin: ({ config, location, workers }) => {
        const paced = { version: io.version, pauseOf: () => NEVER_PAUSED, queue: THIS_PROCESS, log };
        const lasting = { ...createLasting(paced), pacer: pacer.pacer };
        const app = open.use(new App({ ...io, stdin: null, config, log, lasting, observer }));
        const inFlight = config.targets.map(
          ({ name, concurrency }) => [name, Math.ceil(concurrency / workers)] as const,
        );
        const worker = open.use(
          new ShardWorker({
            scan: (signal) => app.scan(() => {}, signal, { checkReferences: false }),
            ports: app.runner(location, new Places(new Map(inFlight))),
            configChecksum: sharedChecksum(config),
          }),
        );
        return async (shard, report, signals) => {
          const end = await worker.run(shard, report, signals);
          observer.flush();
          return end;
        };
      },
    });
    return EXIT.ok;
  },
};
