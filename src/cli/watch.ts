import { createJobs, type Jobs } from "../aws/jobs.ts";
import { sleep } from "../lib/clock.ts";
import { neutralize } from "../lib/scrub.ts";
import type { GateAnswer } from "../model/gate-answer.ts";
import type { Command } from "./command.ts";
import { GateClient } from "./gate/client.ts";
import { clientOptions, durationOption, type RemoteOptions, withRemote } from "./gate/options.ts";
import { waitForDecision } from "./gate/wait.ts";
import { EXIT, type Io, signalExit } from "./io.ts";

interface WatchOptions extends RemoteOptions {
  readonly jobId: string;
  readonly cancelOn: readonly ("no-go" | "inconclusive")[];
  readonly interval: string;
}

export const watchCommand: Command<WatchOptions> = {
  command: "watch",
  describe: "Repeat the gate while an AWS IoT job rolls out, and cancel the job on no-go",
  options: (argv) =>
    withRemote(argv)
      .option("job-id", { type: "string", demandOption: true, requiresArg: true, describe: "The job" })
      .option("cancel-on", {
        choices: ["no-go", "inconclusive"] as const,
        array: true,
        default: ["no-go"],
        describe: "Decisions that cancel the job",
      })
      .option("interval", {
        type: "string",
        default: "60s",
        requiresArg: true,
        describe: "Between two decisions",
      }),
  run: watch,
};

async function watch(options: WatchOptions, io: Io): Promise<number> {
  const intervalMs = durationOption("--interval", options.interval);
  const timeoutMs = durationOption("--timeout", options.timeout);
  await using client = new GateClient(await clientOptions(options));
  const jobs = createJobs(null);
  try {
    for (;;) {
      const ended = await jobEnded(jobs, options.jobId, io);
      if (ended !== null) return ended;
      const waited = await waitForDecision({
        ask: (body, signal) => client.ask(options.suite, body, signal),
        timeoutMs,
        passInconclusive: null,
        onProgress: () => {},
        signal: io.signal,
      });
      // Not knowing is no reason to stop a rollout, and none to stop watching it.
      if (waited.kind !== "decided") io.stderr.write(`fleet-smoke: ${neutralize(waited.reason)}\n`);
      else if (await cancels(waited.answer, options, jobs, io)) return EXIT.noGo;
      await sleep(intervalMs, io.signal);
    }
  } catch (error) {
    const bySignal = signalExit(io.signal);
    if (bySignal !== null) return bySignal;
    throw error;
  } finally {
    jobs.close();
  }
}

const ENDED: ReadonlySet<string> = new Set(["COMPLETED", "CANCELED", "DELETION_IN_PROGRESS"]);

async function jobEnded(jobs: Jobs, jobId: string, { stdout, stderr }: Io): Promise<number | null> {
  const status = await jobs.status(jobId);
  if (status.kind === "failed") {
    if (status.reason.startsWith("ResourceNotFoundException"))
      throw new Error(`job ${jobId}: ${status.reason}`);
    stderr.write(`fleet-smoke: DescribeJob: ${status.reason}\n`);
    return null;
  }
  if (!ENDED.has(status.value)) return null;
  stdout.write(`job ${jobId} is ${status.value}\n`);
  return EXIT.ok;
}

/** Cancels the job where the decision asks for it. @throws where that fails: the rollout goes on. */
async function cancels(
  { decision, reason, causes, runId }: GateAnswer,
  { jobId, cancelOn }: WatchOptions,
  jobs: Jobs,
  { stdout, stderr }: Io,
): Promise<boolean> {
  stderr.write(`${neutralize(`${decision}: ${reason}`)}\n`);
  if (!cancelOn.some((each) => each === decision)) return false;
  const comment = `fleet-smoke ${decision}: ${reason} (run ${runId ?? "none"})`;
  const reasonCode = causes[0] ?? (decision === "no-go" ? "NO_GO" : "INCONCLUSIVE");
  const cancelled = await jobs.cancel(jobId, { reasonCode, comment });
  if (cancelled.kind === "failed") throw new Error(`job ${jobId} was NOT cancelled: ${cancelled.reason}`);
  stdout.write(`job ${jobId} cancelled: ${neutralize(comment)}\n`);
  return true;
}
