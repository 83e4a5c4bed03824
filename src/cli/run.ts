import { App } from "../app.ts";
import { wallMs } from "../lib/clock.ts";
import { UsageError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import type { CauseCode } from "../model/causes.ts";
import type { Config, Suite } from "../model/config.ts";
import type { RunSummary } from "../model/run.ts";
import { isPartial } from "../plan/select.ts";
import { createProgress } from "../report/progress.ts";
import { parseReportFlag, REPORT_KINDS, writeReport } from "../report/write.ts";
import { Audit } from "../run/audit.ts";
import { configChecksum } from "../run/config-checksum.ts";
import { HistoryMemory } from "../run/memory.ts";
import type { Run } from "../run/run.ts";
import { newRunId } from "../run/runs.ts";
import { CAUSES } from "../verdict/causes.ts";
import { type Command, withConfig } from "./command.ts";
import { EXIT, type Io, signalExit } from "./io.ts";
import { derivedLedgerOf, openHistory, pruneHistory } from "./open-history.ts";
import { printSummary, problemPrinter, readConfig } from "./prepare.ts";
import { type SampleOptions, sampleOf, withSample } from "./sample-options.ts";

export interface RunOptions extends SampleOptions {
  readonly config: string;
  readonly suite?: string | undefined;
  readonly cohort?: readonly string[] | undefined;
  readonly device?: readonly string[] | undefined;
  readonly skipInvalid: boolean;
  readonly report: readonly string[];
  readonly allowDeviceIdentity?: number | undefined;
}

export const runCommand: Command<RunOptions> = {
  command: "run",
  describe: "Test the devices once and decide: go, no-go or inconclusive",
  options: (argv) =>
    withSample(withConfig(argv))
      .option("suite", { type: "string", requiresArg: true, describe: "Suite to run" })
      .option("cohort", { type: "string", array: true, requiresArg: true, describe: "Only these cohorts" })
      .option("device", { type: "string", array: true, requiresArg: true, describe: "Only these devices" })
      .option("skip-invalid", {
        type: "boolean",
        default: false,
        describe: "Run although some profiles are invalid; they count as inconclusive",
      })
      .option("report", {
        type: "string",
        array: true,
        requiresArg: true,
        default: [],
        describe: `KIND=PATH, KIND one of ${REPORT_KINDS.join(", ")}`,
      })
      .option("allow-device-identity", {
        type: "number",
        requiresArg: true,
        describe: "Connect as at most N live devices, each only while AWS says that it is offline",
      }),
  run: runOnce,
};

async function runOnce(options: RunOptions, io: Io): Promise<number> {
  const sample = sampleOf(options);
  const allowDeviceIdentity = wholeNumber(options.allowDeviceIdentity ?? 0);
  const reports = options.report.map(parseReportFlag);
  const config = await readConfig(options.config, io);
  if (config === null) return EXIT.usage;
  const suite = chooseSuite(config, options.suite);

  const log = createLog(io.env.FLEET_SMOKE_LOG_LEVEL ?? "warn");
  await using app = new App({ ...io, config, log });
  const problems = problemPrinter(io.stderr);
  const scanned = await app.scan(problems.print, io.signal);
  problems.end();
  if (scanned === null) return EXIT.usage;
  await using _fleet = scanned.fleet;
  if (problems.count() > 0 && !options.skipInvalid) return EXIT.usage;

  const tell = (problem: string) => io.stderr.write(`${problem}\n`);
  using history = openHistory(config.store, tell);
  const selection = {
    suite: suite.name,
    cohorts: options.cohort ?? null,
    devices: options.device ?? null,
    allowDeviceIdentity,
    ...sample,
  };
  const runId = newRunId();
  const memory = new HistoryMemory(history, runId, null, log);
  const derivedLedger = derivedLedgerOf(history, log);
  const run = app.createRun({ runId, selection, fleet: async () => scanned, memory, derivedLedger });
  const start = {
    runId,
    selection,
    startedAtMs: wallMs(),
    actor: "cli",
    configChecksum: configChecksum(config),
  };
  memory.begin(start, run.summary(), isPartial(selection));
  new Audit(history, log).note(start.actor, "trigger", `suite ${suite.name}, run ${runId}`);
  const summary = await executeWithProgress(run, io);

  app.metrics.runFinished(summary, { maxAgeMs: suite.gate.maxAgeMs, isPartial: isPartial(selection) });
  printSummary(summary, io);
  const meaning = (code: CauseCode) => CAUSES[code].meaning;
  for (const report of reports) {
    await writeReport(report, {
      summary,
      results: () => history.inPlanOrder(runId),
      metrics: app.metrics,
      meaning,
    });
  }
  pruneHistory(history, config.store, tell);
  return signalExit(io.signal) ?? decisionExit(summary);
}

/** Runs to the end, its progress on standard error; a signal stops it in good order. */
async function executeWithProgress(run: Run, { stderr, signal }: Io): Promise<RunSummary> {
  const progress = createProgress(stderr, { color: stderr.isTTY, counts: () => run.counts });
  const onSignal = () => run.stop("INTERRUPTED");
  signal.addEventListener("abort", onSignal);
  if (signal.aborted) onSignal();
  progress.start();
  try {
    return await run.execute();
  } finally {
    progress.stop();
    signal.removeEventListener("abort", onSignal);
  }
}

function wholeNumber(value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new UsageError("--allow-device-identity: expected a whole number, 0 or more");
}

/** The named suite; without a name the only one, else `all` (design 6.2). */
export function chooseSuite(config: Config, name: string | undefined): Suite {
  const names = config.suites.map((suite) => suite.name);
  const wanted = name ?? (names.length === 1 ? names[0] : "all");
  const suite = config.suites.find((each) => each.name === wanted);
  if (suite) return suite;
  throw new UsageError(`unknown suite ${JSON.stringify(wanted)}; there are: ${names.join(", ")}`);
}

export function decisionExit({ decision, gate }: RunSummary): number {
  if (gate?.nothingSelected) return EXIT.nothingSelected;
  switch (decision) {
    case "go":
      return EXIT.go;
    case "no-go":
      return EXIT.noGo;
    case "inconclusive":
    case null:
      return EXIT.inconclusive;
  }
}
