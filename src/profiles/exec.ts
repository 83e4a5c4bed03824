import { type ChildProcess, spawn } from "node:child_process";
import { basename } from "node:path";
import { errorCode } from "../lib/errors.ts";
import { cut, neutralize } from "../lib/scrub.ts";
import type { ExecSource, Profile } from "../model/profile.ts";

export interface ExecLimits {
  readonly timeoutMs: number;
  readonly maxBytes: number;
}

/** Kills the process and all it has started; does nothing where there is none. */
export type KillGroup = (leaderPid: number) => void;

export type ExecOutput =
  | { readonly kind: "answered"; readonly bytes: Buffer }
  /** `reason` names the command, never what it wrote. */
  | { readonly kind: "failed"; readonly reason: string };

/** What is run for one profile: arguments with `{id}`, `{clientId}` and `{cohort}` filled in, and its environment. */
export interface ExecCall {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

export function execCall(
  { command: [command = "", ...args], cwd }: ExecSource,
  profile: Pick<Profile, "id" | "clientId" | "cohort">,
): ExecCall {
  const values = { id: profile.id, clientId: profile.clientId ?? "", cohort: profile.cohort };
  const fill = (text: string) =>
    text.replace(/\{(id|clientId|cohort)\}/g, (_, name: keyof typeof values) => values[name]);
  return {
    command,
    args: args.map(fill),
    cwd,
    env: {
      FLEET_SMOKE_DEVICE_ID: values.id,
      FLEET_SMOKE_CLIENT_ID: values.clientId,
      FLEET_SMOKE_COHORT: values.cohort,
    },
  };
}

/**
 * Runs the command without a shell and takes what it writes to standard output. What it writes to standard error is
 * dropped: it may hold the credential. When this answers the command has ended; aborted, it is killed with all it
 * has started, and the signal's reason thrown.
 */
export async function runExec(
  call: ExecCall,
  env: Readonly<Record<string, string | undefined>>,
  { timeoutMs, maxBytes }: ExecLimits,
  signal: AbortSignal,
  killGroup: KillGroup = () => {},
): Promise<ExecOutput> {
  signal.throwIfAborted();
  const name = `the command ${cut(neutralize(basename(call.command)), 100)}`;
  const started = start(call, env);
  if (started.kind === "failed") return failed(`${name} cannot be started (${started.code})`);
  const { child } = started;

  let ended: string | null = null;
  const stop = (why: string) => {
    ended ??= why;
    if (child.pid !== undefined) killGroup(child.pid);
    child.kill("SIGKILL");
    // What left its group may hold the pipe open: it must not hold us.
    child.stdout?.destroy();
  };
  const onAbort = () => stop("was aborted");
  const timer = setTimeout(() => stop(`did not end within ${timeoutMs / 1000} s`), timeoutMs);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    const chunks: Buffer[] = [];
    let length = 0;
    child.stdout?.on("data", (chunk: Buffer) => {
      length += chunk.length;
      if (length > maxBytes) stop(`wrote more than ${maxBytes / 1024 / 1024} MiB`);
      else chunks.push(chunk);
    });
    const exit = await ending(child);
    signal.throwIfAborted();
    const trouble = ended ?? exit;
    return trouble === null
      ? { kind: "answered", bytes: Buffer.concat(chunks) }
      : failed(`${name} ${trouble}`);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

type Started =
  | { readonly kind: "started"; readonly child: ChildProcess }
  | { readonly kind: "failed"; readonly code: string };

function start(call: ExecCall, env: Readonly<Record<string, string | undefined>>): Started {
  try {
    const child = spawn(call.command, call.args, {
      cwd: call.cwd,
      env: { ...env, ...call.env },
      shell: false,
      // A group of its own: what it has started ends with it.
      detached: true,
      stdio: ["ignore", "pipe", "ignore"],
    });
    return { kind: "started", child };
  } catch (error) {
    return { kind: "failed", code: errorCode(error) ?? "unknown error" };
  }
}

/** null when it ended well; else why not. */
function ending(child: ChildProcess): Promise<string | null> {
  return new Promise((resolve) => {
    let trouble: string | null = null;
    child.once("error", (error) => {
      trouble = `cannot be started (${errorCode(error) ?? "unknown error"})`;
      // Without a process there is nothing that could end.
      if (child.pid === undefined) resolve(trouble);
    });
    child.once("close", (code, signal) => {
      resolve(trouble ?? (code === 0 ? null : `ended with ${code === null ? signal : `exit code ${code}`}`));
    });
  });
}

function failed(reason: string): ExecOutput {
  return { kind: "failed", reason };
}
