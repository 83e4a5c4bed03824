import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../src/main.ts", import.meta.url));

/** The program as a user starts it, in its own process. */
export interface Program {
  readonly process: ChildProcess;
  readonly stdout: () => string;
  readonly stderr: () => string;
  /** Resolves with the first match in standard output or error; rejects when the program ends without it. */
  readonly says: (pattern: RegExp) => Promise<RegExpExecArray>;
  /** The exit code, or the name of the signal it died of. */
  readonly ended: Promise<number | string>;
}

export interface ProgramOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: string;
  /** No file that it writes grows beyond this, as if the disk was full. */
  readonly maxFileKb?: number;
}

/** Without the caller's AWS settings: a test never asks a real account. */
const AWS_ENV = {
  AWS_ACCESS_KEY_ID: "test",
  AWS_SECRET_ACCESS_KEY: "test",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_CONFIG_FILE: "/nonexistent",
  AWS_SHARED_CREDENTIALS_FILE: "/nonexistent",
};

export function start(
  args: readonly string[],
  { cwd, env = {}, input, maxFileKb }: ProgramOptions = {},
): Program {
  const command = [process.execPath, MAIN, ...args];
  // POSIX counts blocks of 512 bytes.
  const limit = `ulimit -f ${2 * (maxFileKb ?? 0)}; exec "$@"`;
  const [file = "", ...given] = maxFileKb === undefined ? command : ["sh", "-c", limit, "sh", ...command];
  const child = spawn(file, given, {
    cwd,
    env: { PATH: process.env.PATH, ...AWS_ENV, ...env },
    stdio: ["pipe", "pipe", "pipe"],
  });
  child.stdin.on("error", () => {});
  if (input === undefined) child.stdin.end();
  else child.stdin.end(input);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8");
    child[name].on("data", (text: string) => {
      texts[name] += text;
    });
  }
  const ended = once(child, "close").then(([code, signal]) => (code ?? signal) as number | string);
  return {
    process: child,
    stdout: () => texts.stdout,
    stderr: () => texts.stderr,
    says: (pattern) => saying(child, pattern, () => texts.stdout + texts.stderr),
    ended,
  };
}

/** Ends them at once, and waits until they have. */
export async function killAll(programs: readonly Program[]): Promise<void> {
  for (const { process } of programs) process.kill("SIGKILL");
  await Promise.all(programs.map(({ ended }) => ended));
}

/** Runs a command to its end. */
export async function run(
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<{ code: number | string; stdout: string; stderr: string }> {
  const program = start(args, options);
  const code = await program.ended;
  return { code, stdout: program.stdout(), stderr: program.stderr() };
}

function saying(child: ChildProcess, pattern: RegExp, text: () => string): Promise<RegExpExecArray> {
  return new Promise((resolve, reject) => {
    const done = () => {
      child.stdout?.off("data", look);
      child.stderr?.off("data", look);
      child.off("close", onClose);
    };
    const look = () => {
      const found = pattern.exec(text());
      if (found === null) return;
      done();
      resolve(found);
    };
    const onClose = () => {
      look();
      done();
      reject(new Error(`the program ended without saying ${pattern}:\n${text()}`));
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    child.on("close", onClose);
    look();
  });
}
