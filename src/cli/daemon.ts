import { App } from "../app.ts";
import type { StaticCredentials } from "../aws/client.ts";
import { doubtOf, gateAnswer } from "../gate/answer.ts";
import { startHttp } from "../http/server.ts";
import { wallMs } from "../lib/clock.ts";
import { errorMessage, UsageError } from "../lib/errors.ts";
import { createLog, type Log } from "../lib/log.ts";
import type { Config, StoreConfig } from "../model/config.ts";
import type { Problem } from "../model/problem.ts";
import type { Selection } from "../model/run.ts";
import { isPartial } from "../plan/select.ts";
import { Audit } from "../run/audit.ts";
import { configChecksum } from "../run/config-checksum.ts";
import { GateService } from "../run/gate-service.ts";
import type { RunMemory } from "../run/memory.ts";
import { type NewRun, Runs } from "../run/runs.ts";
import { startSchedule } from "../run/schedule.ts";
import type { History } from "../store/history.ts";
import { type Command, withConfig } from "./command.ts";
import { DaemonProbes } from "./daemon-probes.ts";
import { EXIT, type Io } from "./io.ts";
import { openHistory } from "./open-history.ts";
import { problemPrinter, readActingConfig } from "./prepare.ts";

export interface DaemonOptions {
  readonly config: string;
}

export const daemonCommand: Command<DaemonOptions> = {
  command: "daemon",
  describe: "Run the schedule, the HTTP API and the metrics until told to stop",
  options: withConfig,
  run: async ({ config: file }, io) => {
    const config = await readActingConfig(file, io);
    if (config === null) return EXIT.usage;
    const daemon = await startDaemon(config, io);
    if (daemon === null) return EXIT.usage;
    await aborted(io.signal);
    await daemon.stop();
    return EXIT.ok;
  },
};

export interface Daemon {
  readonly url: string;
  readonly runs: Runs;
  /** Finishes what is in flight, within 10 s. */
  stop(): Promise<void>;
}

/** Starts everything a daemon does; null when its profiles are not fit to run, after the problems were told. */
export async function startDaemon(
  config: Config,
  io: Io,
  awsCredentials: StaticCredentials | null = null,
): Promise<Daemon | null> {
  if (config.profiles.some(({ path }) => path === "-")) {
    throw new UsageError("profiles from standard input can be read once only: use `run`, or a file");
  }
  const log = createLog(io.env.FLEET_SMOKE_LOG_LEVEL ?? "info");
  await using starting = new AsyncDisposableStack();
  const app = starting.use(new App({ ...io, stdin: null, config, log, awsCredentials }));
  if (!(await isFleetFit(app, io))) return null;

  const history = starting.use(openHistory(config.store, (problem) => log.error(problem)));
  const runs = new Runs({
    suites: config.suites.map(({ name }) => name),
    history,
    configChecksum: configChecksum(config),
    create: (runId, selection, memory) => createRun({ app, config, history, log }, runId, selection, memory),
    isPartial,
    log,
  });
  restoreMetrics(app, config, history);
  runs.resume();
  let draining = false;
  const probes = starting.use(new DaemonProbes(app));
  const audit = new Audit(history, log);
  const looking = new AbortController();
  starting.defer(() => looking.abort(new Error("the daemon stops")));
  const gate = new GateService({
    runs,
    maxAgeMs: (name) => config.suites.find((suite) => suite.name === name)?.gate.maxAgeMs ?? 0,
    answer: gateAnswer,
    doubtOf,
    current: (then) => app.fingerprintNow(then, looking.signal),
    isPartial,
    audit,
  });
  const http = await startHttp({
    config: config.http,
    log,
    runs,
    results: {
      results: (runId, query) => (history.get(runId) === null ? null : history.results(runId, query)),
    },
    probes,
    gate,
    audit,
    metricsPage: () => app.metrics.page(),
    ready: () => ({ ready: !draining, reason: draining ? "draining" : "ready" }),
  });
  starting.defer(() => http.close());
  const stopSchedule = startSchedule(config.schedule, (suite) => triggerBySchedule(runs, suite, log), log);
  log.info({ url: http.url, suites: runs.suites() }, "listening");

  const parts = starting.move();
  return {
    url: http.url,
    runs,
    stop: async () => {
      draining = true;
      log.info("draining");
      stopSchedule();
      await runs.drain();
      await parts.disposeAsync();
      log.info("stopped");
    },
  };
}

/** What is wrong at the start is told at the start; what is lost later makes checks inconclusive. */
async function isFleetFit(app: App, io: Io): Promise<boolean> {
  const problems = problemPrinter(io.stderr);
  const scanned = await app.scan(problems.print, io.signal);
  problems.end();
  await scanned?.fleet.close();
  return scanned !== null && problems.count() === 0;
}

interface Parts {
  readonly app: App;
  readonly config: Config;
  readonly history: History;
  readonly log: Log;
}

function createRun(
  { app, config, history, log }: Parts,
  runId: string,
  selection: Selection,
  memory: RunMemory,
): NewRun {
  const maxAgeMs = config.suites.find(({ name }) => name === selection.suite)?.gate.maxAgeMs ?? 0;
  const open = new AsyncDisposableStack();
  const run = app.createRun({
    runId,
    selection,
    memory,
    fleet: async (signal) => {
      const warn = (problem: Problem) => log.warn({ runId, problem }, "invalid profile");
      // A secret that was there at the start and is lost since makes its check inconclusive, not its profile invalid.
      const scanned = await app.scan(warn, signal, { checkReferences: false });
      if (scanned === null) throw new Error("the profile sources cannot be read");
      open.defer(() => scanned.fleet.close());
      return scanned;
    },
  });
  const execute = async () => {
    app.metrics.runStarted(selection.suite);
    log.info({ runId, ...selection }, "run started");
    await using _open = open;
    const summary = await run.execute();
    app.metrics.runFinished(summary, { maxAgeMs, isPartial: isPartial(selection) });
    const { status, decision, reason, counts } = summary;
    log.info({ runId, suite: selection.suite, status, decision, reason, counts }, "run finished");
    prune(history, config.store, log);
    return summary;
  };
  return { run, execute };
}

function prune(history: History, store: StoreConfig | null, log: Log): void {
  try {
    if (store !== null) history.prune(store.retention, wallMs());
  } catch (error) {
    log.error({ error: errorMessage(error) }, "the history cannot be pruned");
  }
}

/** What the last run of each suite showed is exported again before anybody scrapes. */
function restoreMetrics({ metrics }: App, { suites }: Config, history: History): void {
  for (const { name, gate } of suites) {
    const [last] = history.list({ suite: name, cursor: null, limit: 50 }).filter(({ summary, selection }) => {
      return summary.status === "finished" && !isPartial(selection);
    });
    if (last) metrics.restoreRun(last.summary, history.lastGo(name)?.summary ?? null, gate.maxAgeMs);
  }
}

function triggerBySchedule(runs: Runs, suite: string, log: Log): void {
  const { kind } = runs.trigger(
    { suite, cohorts: null, devices: null, allowDeviceIdentity: 0 },
    null,
    "schedule",
  );
  log.info({ suite, kind }, "scheduled trigger");
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
