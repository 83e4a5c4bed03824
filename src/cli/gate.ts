import { type CreateJobInput, createJobs } from "../aws/jobs.ts";
import { UsageError } from "../lib/errors.ts";
import { neutralize } from "../lib/scrub.ts";
import type { GateAnswer } from "../model/gate-answer.ts";
import type { Command } from "./command.ts";
import { GateClient } from "./gate/client.ts";
import { tellGithub } from "./gate/github.ts";
import { clientOptions, durationOption, type RemoteOptions, readText, withRemote } from "./gate/options.ts";
import { type Waited, waitForDecision } from "./gate/wait.ts";
import { EXIT, type Io, signalExit } from "./io.ts";

interface GateOptions extends RemoteOptions {
  readonly onInconclusive: "fail" | "pass";
  readonly reason?: string | undefined;
  readonly requireRealm: "aws" | "any";
  readonly thenCreateJob?: string | undefined;
}

export const gateCommand: Command<GateOptions> = {
  command: "gate",
  describe: "Trigger or join a run on a daemon and wait for its decision",
  options: (argv) =>
    withRemote(argv)
      .option("on-inconclusive", {
        choices: ["fail", "pass"] as const,
        default: "fail",
        describe: "`pass` needs --reason, and is recorded",
      })
      .option("reason", {
        type: "string",
        requiresArg: true,
        describe: "Why an inconclusive decision may pass",
      })
      .option("require-realm", {
        choices: ["aws", "any"] as const,
        default: "aws",
        describe: "A go from anything but AWS itself is inconclusive; `any` lifts that",
      })
      .option("then-create-job", {
        type: "string",
        requiresArg: true,
        describe: "On go: create the AWS IoT job this file describes (aws iot create-job --cli-input-json)",
      }),
  run: gate,
};

async function gate(options: GateOptions, io: Io): Promise<number> {
  if (options.onInconclusive === "pass" && !options.reason?.trim()) {
    throw new UsageError("--on-inconclusive pass: needs --reason");
  }
  const timeoutMs = durationOption("--timeout", options.timeout);
  const job = options.thenCreateJob === undefined ? null : await readJob(options.thenCreateJob);
  await using client = new GateClient(await clientOptions(options));
  const waited = await waitForDecision({
    ask: (body, signal) => client.ask(options.suite, body, signal),
    timeoutMs,
    passInconclusive: options.onInconclusive === "pass" ? (options.reason ?? "") : null,
    onProgress: (text) => io.stderr.write(`${neutralize(text)}\n`),
    signal: io.signal,
  });
  if (waited.kind !== "decided") return giveUp(waited, io);
  const answer = inRealm(waited.answer, options.requireRealm);
  io.stdout.write(`${describe(answer)}\n`);
  const annotation = await tellGithub(answer, io.env);
  if (annotation !== null) io.stdout.write(annotation);
  const exit = exitOf(answer);
  return exit === EXIT.go && job !== null ? createJob(job, answer, io) : exit;
}

function giveUp(waited: Exclude<Waited, { kind: "decided" }>, { stderr, signal }: Io): number {
  const bySignal = signalExit(signal);
  if (bySignal !== null) return bySignal;
  const what = waited.kind === "timeout" ? "no decision in time: " : "";
  stderr.write(`fleet-smoke: ${what}${neutralize(waited.reason)}\n`);
  return waited.kind === "timeout" ? EXIT.inconclusive : EXIT.toolError;
}

/** A go that was not measured against AWS says nothing about the fleet. */
function inRealm(answer: GateAnswer, required: GateOptions["requireRealm"]): GateAnswer {
  if (!answer.ok || required === "any" || answer.realm === "aws") return answer;
  const reason = `measured against ${answer.realm ?? "an unknown realm"}, not AWS (--require-realm any accepts it): ${answer.reason}`;
  return { ...answer, decision: "inconclusive", ok: false, reason, override: null };
}

function describe({ suite, decision, ok, reason, runId, counts, override }: GateAnswer): string {
  const passed = ok && decision !== "go" ? `, passed by ${override?.actor}: ${override?.reason}` : "";
  const checks =
    counts === null ? "" : ` (${counts.pass} pass, ${counts.fail} fail, ${counts.inconclusive} inconclusive)`;
  return neutralize(`${decision}${passed}: ${suite}: ${reason}${checks}, run ${runId ?? "none"}`);
}

function exitOf({ decision, ok, nothingSelected }: GateAnswer): number {
  if (ok) return EXIT.go;
  if (decision === "no-go") return EXIT.noGo;
  return nothingSelected ? EXIT.nothingSelected : EXIT.inconclusive;
}

async function readJob(path: string): Promise<CreateJobInput> {
  const text = await readText("--then-create-job", path);
  let job: Partial<CreateJobInput> | null;
  try {
    job = JSON.parse(text);
  } catch {
    throw new UsageError(`--then-create-job ${path}: is no JSON`);
  }
  if (typeof job?.jobId !== "string" || !Array.isArray(job.targets)) {
    throw new UsageError(`--then-create-job ${path}: expected an object with \`jobId\` and \`targets\``);
  }
  return job as CreateJobInput;
}

async function createJob(job: CreateJobInput, { decision }: GateAnswer, io: Io): Promise<number> {
  if (decision !== "go") {
    io.stderr.write("fleet-smoke: a job is created on go only, not on an override\n");
    return EXIT.go;
  }
  const jobs = createJobs(null);
  try {
    const created = await jobs.create(job);
    if (created.kind === "failed") {
      io.stderr.write(`fleet-smoke: the decision is go, but the job was not created: ${created.reason}\n`);
      return EXIT.toolError;
    }
    io.stdout.write(`created job ${neutralize(created.value.jobId)}\n`);
    return EXIT.go;
  } finally {
    jobs.close();
  }
}
