import { tmpdir } from "node:os";
import { PassThrough } from "node:stream";
import { runProgram } from "../../src/cli/program.ts";
import { errorMessage, UsageError } from "../../src/lib/errors.ts";

export interface InProcess {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command without a process of its own: quicker, where neither signals nor the process matter. */
export async function runInProcess(
  args: readonly string[],
  options: { readonly env?: Readonly<Record<string, string>>; readonly signal?: AbortSignal } = {},
): Promise<InProcess> {
  const texts = { stdout: "", stderr: "" };
  const output = (name: "stdout" | "stderr") => ({
    isTTY: false,
    columns: undefined,
    write: (text: string) => {
      texts[name] += text;
    },
  });
  const io = {
    env: options.env ?? {},
    stdin: new PassThrough(),
    stdout: output("stdout"),
    stderr: output("stderr"),
    signal: options.signal ?? new AbortController().signal,
    onReload: () => () => {},
    self: [],
    parent: null,
    killGroup: () => {},
    version: "0",
    tempFolder: tmpdir(),
  };
  try {
    return { code: await runProgram(args, io), ...texts };
  } catch (error) {
    // As main.ts does.
    return {
      code: error instanceof UsageError ? 2 : 1,
      ...texts,
      stderr: texts.stderr + errorMessage(error),
    };
  }
}
