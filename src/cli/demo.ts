import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { RunSummary } from "../model/run.ts";
import { createProgress } from "../report/progress.ts";
import type { Command } from "./command.ts";
import { type Daemon, startDaemon } from "./daemon.ts";
import { writeDemo } from "./demo-fleet.ts";
import { EXIT, type Io, signalExit } from "./io.ts";
import { printSummary, readConfig } from "./prepare.ts";
import { decisionExit } from "./run.ts";

interface DemoOptions {
  readonly once: boolean;
  readonly cohort?: readonly string[] | undefined;
}

export const demoCommand: Command<DemoOptions> = {
  command: "demo",
  describe: "Emulator, sample fleet of 500 devices, daemon and one run, all on this machine",
  options: (argv) =>
    argv
      .option("once", { type: "boolean", default: false, describe: "End after the run, with its exit code" })
      .option("cohort", { type: "string", array: true, requiresArg: true, describe: "Only these cohorts" }),
  run: demo,
};

async function demo({ once: isOnce, cohort }: DemoOptions, io: Io): Promise<number> {
  await using parts = new AsyncDisposableStack();
  const folder = await mkdtemp(join(io.tempFolder, "fleet-smoke-demo-"));
  parts.defer(() => rm(folder, { recursive: true, force: true }));
  const files = await writeDemo(folder);
  const emulator = await startEmulator(files.emulatorConfig, io);
  parts.defer(emulator.stop);
  io.stderr.write(`emulator: API ${emulator.ready.api}, gateway ${emulator.ready.gateway}\n`);

  const config = await readConfig(await files.writeConfig(emulator.ready), io);
  if (config === null) return EXIT.toolError;
  const quiet = { ...io, env: { FLEET_SMOKE_LOG_LEVEL: "warn", ...io.env } };
  const daemon = await startDaemon(config, quiet, { accessKeyId: "demo", secretAccessKey: "demo" });
  if (daemon === null) return EXIT.toolError;
  parts.defer(() => daemon.stop());

  const summary = await runOnce(daemon, cohort ?? null, io);
  printSummary(summary, io);
  if (isOnce || io.signal.aborted) return signalExit(io.signal) ?? decisionExit(summary);

  io.stdout.write(
    `\nThe daemon stays up: ${daemon.url}/ (metrics: ${daemon.url}/metrics). Ctrl-C ends it.\n` +
      `One device, step by step: curl '${daemon.url}/probe?device=valve-0045&debug=true'\n`,
  );
  if (!io.signal.aborted) await once(io.signal, "abort");
  return EXIT.ok;
}

async function runOnce(daemon: Daemon, cohorts: readonly string[] | null, io: Io): Promise<RunSummary> {
  const triggered = daemon.runs.trigger(
    { suite: "all", cohorts, devices: null, allowDeviceIdentity: 0 },
    null,
    "demo",
  );
  if (!("run" in triggered)) throw new Error(`the run did not start: ${triggered.kind}`);
  const { runId } = triggered.run;
  const counts = () => daemon.runs.get(runId)?.counts ?? triggered.run.counts;
  const progress = createProgress(io.stderr, { color: io.stderr.isTTY, counts });
  const onSignal = () => daemon.runs.drain();
  io.signal.addEventListener("abort", onSignal, { once: true });
  progress.start();
  try {
    return await daemon.runs.finished(runId);
  } finally {
    progress.stop();
    io.signal.removeEventListener("abort", onSignal);
  }
}

interface EmulatorReady {
  readonly api: string;
  readonly gateway: string;
  readonly caFile: string;
}

/** The emulator as its own process; it ends with us even when we are killed, because its standard input closes. */
async function startEmulator(
  config: string,
  io: Io,
): Promise<{ readonly ready: EmulatorReady; readonly stop: () => Promise<void> }> {
  const [command = "", ...before] = io.self;
  const child = spawn(command, [...before, "emulator", "--config", config, "--exit-with-parent"], {
    stdio: ["pipe", "pipe", "inherit"],
    // A Ctrl-C at the terminal is ours to handle: the emulator ends last.
    detached: true,
  });
  const ended = once(child, "close");
  const stop = async () => {
    child.kill("SIGTERM");
    await ended;
  };
  try {
    return { ready: JSON.parse(await firstLine(child)) as EmulatorReady, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function firstLine(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the emulator has no standard output");
  for await (const line of createInterface({ input: child.stdout })) return line;
  throw new Error("the emulator ended before it was ready");
}
