import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";

export interface Ended {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that is not ours, while it runs. */
export interface Foreign {
  readonly process: ChildProcess;
  /** Resolves when standard output holds `text`; rejects when the program ends without it. */
  readonly says: (text: string) => Promise<void>;
  readonly ended: Promise<Ended>;
}

/** Debian's programs by path, because a pyenv or the like may shadow them. */
export const AWS_CLI = "/usr/bin/aws";
export const PYTHON = "/usr/bin/python3";

/** Starts a program with nothing of our environment but what is given. */
export function startForeign(
  file: string,
  args: readonly string[],
  { env = {}, input = "" }: { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Foreign {
  const child = spawn(file, args, { env: { PATH: process.env.PATH, HOME: "/nonexistent", ...env } });
  child.stdin.on("error", () => {});
  child.stdin.end(input);
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  }
  const ended = once(child, "close").then(([code, signal]): Ended => ({ code: code ?? signal, ...texts }));
  const says = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => {
        if (texts.stdout.includes(text)) resolve();
      };
      child.stdout.on("data", look);
      look();
      void ended.then(({ stdout, stderr }) =>
        reject(new Error(`ended without saying "${text}":\n${stdout}${stderr}`)),
      );
    });
  return { process: child, says, ended };
}

export function runForeign(...args: Parameters<typeof startForeign>): Promise<Ended> {
  return startForeign(...args).ended;
}
