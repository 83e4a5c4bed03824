import { createLasting } from "../app/lasting.ts";
import type { StaticCredentials } from "../aws/client.ts";
import { UsageError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import type { Config } from "../model/config.ts";
import { PauseSwitch } from "../run/pause.ts";
import type { Runs } from "../run/runs.ts";
import { type Command, withConfig } from "./command.ts";
import { prepareReload, sourceProblems } from "./daemon/reload.ts";
import { Running } from "./daemon/running.ts";
import { Setup, type SetupParts } from "./daemon/setup.ts";
import { EXIT, type Io } from "./io.ts";
import { derivedLedgerOf, openHistory } from "./open-history.ts";
import { problemPrinter, readConfig } from "./prepare.ts";

export interface DaemonOptions {
  readonly config: string;
}

export const daemonCommand: Command<DaemonOptions> = {
  command: "daemon",
  describe: "Run the schedule, the HTTP API and the metrics until told to stop",
  options: withConfig,
  run: async ({ config: file }, io) => {
    const config = await readConfig(file, io);
    if (config === null) return EXIT.usage;
    const daemon = await startDaemon(config, io);
    if (daemon === null) return EXIT.usage;
    const endReloads = io.onReload(() => void daemon.reload("signal"));
    await aborted(io.signal);
    await daemon.stop();
    endReloads();
    return EXIT.ok;
  },
};

export interface Daemon {
  readonly url: string;
  readonly runs: Runs;
  /** Reads configuration and profiles again; what is wrong is in the log. */
  reload(actor: string): Promise<unknown>;
  /** Finishes what is in flight, within 10 s. */
  stop(): Promise<void>;
}

/** Starts everything a daemon does; null when its profiles are not fit to run, after the problems were told. */
export async function startDaemon(
  config: Config,
  io: Io,
  awsCredentials: StaticCredentials | null = null,
): Promise<Daemon | null> {
  const [unfit] = sourceProblems(config);
  if (unfit !== undefined) throw new UsageError(unfit);
  const log = createLog(io.env.FLEET_SMOKE_LOG_LEVEL ?? "info");
  await using starting = new AsyncDisposableStack();
  const history = starting.use(openHistory(config.store, (problem) => log.error(problem)));
  const lasting = starting.use(
    createLasting({
      ...{ version: io.version, queue: config.queue, log },
      pauseOf: (shown) => new PauseSwitch(history, log, (isPaused) => shown.paused(isPaused)),
      derivedLedger: derivedLedgerOf(history, log),
    }),
  );
  const parts = { io, log, lasting, awsCredentials };
  const setup = await openFirst(config, parts);
  if (setup === null) return null;
  const daemon = starting.use(new Running({ setup, history, lasting, log }));
  await daemon.start((before, prepareHttp) => prepareReload(before, { parts, prepareHttp }));

  const open = starting.move();
  return {
    url: daemon.url,
    runs: daemon.runs,
    reload: (actor) => daemon.control.reload(actor),
    stop: async () => {
      log.info("draining");
      await daemon.drain();
      await open.disposeAsync();
      log.info("stopped");
    },
  };
}

async function openFirst(config: Config, parts: SetupParts): Promise<Setup | null> {
  const problems = problemPrinter(parts.io.stderr);
  const setup = await Setup.open(config, parts, problems.print);
  problems.end();
  return setup;
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
