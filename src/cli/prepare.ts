import type { CauseCode } from "../model/causes.ts";
import type { Config } from "../model/config.ts";
import type { Problem } from "../model/problem.ts";
import type { RunSummary } from "../model/run.ts";
import { summaryText } from "../report/terminal.ts";
import { loadConfig } from "../settings/load.ts";
import { CAUSES } from "../verdict/causes.ts";
import type { Io, Output } from "./io.ts";

/** Problems shown one by one; the rest are counted. */
const SHOWN = 50;

/** Loads the configuration; null when it is invalid, after its problems were shown. */
export async function readConfig(
  file: string,
  { env, stderr }: Pick<Io, "env" | "stderr">,
): Promise<Config | null> {
  const loaded = await loadConfig(file, env);
  if (loaded.kind === "loaded") return loaded.config;
  const problems = problemPrinter(stderr);
  for (const problem of loaded.problems) problems.print(problem);
  problems.end();
  return null;
}

/** The answer of a run, for a person. */
export function printSummary(summary: RunSummary, { stdout, env }: Pick<Io, "stdout" | "env">): void {
  const color = stdout.isTTY && !env.NO_COLOR;
  const meaning = (code: CauseCode) => CAUSES[code].meaning;
  stdout.write(`${summaryText(summary, { color, width: stdout.columns ?? 80, meaning })}\n`);
}

/** `file:line: field: what is wrong` */
export function problemText({ file, line, field, message }: Problem): string {
  const place = line === null ? file : `${file}:${line}`;
  return field === null ? `${place}: ${message}` : `${place}: ${field}: ${message}`;
}

/** Prints problems as they come, the first ones in full. */
export function problemPrinter(out: Output): { print(problem: Problem): void; end(): void; count(): number } {
  let count = 0;
  return {
    print(problem) {
      count += 1;
      if (count <= SHOWN) out.write(`${problemText(problem)}\n`);
    },
    end() {
      if (count > SHOWN) out.write(`… and ${count - SHOWN} more problems\n`);
    },
    count: () => count,
  };
}
