import { App } from "../app.ts";
import { createLog } from "../lib/log.ts";
import type { Problem } from "../model/problem.ts";
import { loadConfig } from "../settings/load.ts";
import { type Command, withConfig } from "./command.ts";
import { EXIT, type Io } from "./io.ts";
import { problemText } from "./prepare.ts";

interface LintOptions {
  readonly config: string;
  readonly json: boolean;
}

export const lintCommand: Command<LintOptions> = {
  command: "lint",
  describe: "Check configuration and profiles offline; each problem with file, line and field",
  options: (argv) =>
    withConfig(argv).option("json", { type: "boolean", default: false, describe: "One JSON object" }),
  run: lint,
};

/** A fleet may be wrong in every line: enough to see what is wrong with it. */
const MAX_LISTED = 1000;

interface Findings {
  readonly problems: readonly Problem[];
  /** Problems beyond those listed. */
  readonly more: number;
  /** Valid ones. */
  readonly profiles: number;
  readonly notYetAvailable: readonly string[];
}

async function lint({ config, json }: LintOptions, io: Io): Promise<number> {
  const findings = await find(config, io);
  io.stdout.write(json ? `${JSON.stringify(findings)}\n` : text(config, findings));
  return findings.problems.length > 0 ? EXIT.usage : EXIT.ok;
}

async function find(file: string, io: Io): Promise<Findings> {
  const loaded = await loadConfig(file, io.env);
  if (loaded.kind === "invalid")
    return { problems: loaded.problems, more: 0, profiles: 0, notYetAvailable: [] };
  const { config } = loaded;
  const problems: Problem[] = [];
  let more = 0;
  const note = (problem: Problem) => {
    if (problems.length < MAX_LISTED) problems.push(problem);
    else more += 1;
  };
  await using app = new App({ ...io, config, log: createLog("silent") });
  const scanned = await app.scan(note, io.signal);
  await scanned?.fleet.close();
  return { problems, more, profiles: scanned?.scan.profiles ?? 0, notYetAvailable: config.notYetAvailable };
}

function text(file: string, { problems, more, profiles, notYetAvailable }: Findings): string {
  const lines = [
    ...problems.map(problemText),
    ...notYetAvailable.map((key) => `${file}: note: ${key} is not yet available`),
  ];
  const total = problems.length + more;
  const count = `${total === 1 ? "1 problem" : `${total} problems`}${more > 0 ? `, ${more} not listed` : ""}`;
  lines.push(problems.length > 0 ? count : `no problems; ${profiles} profiles`);
  return `${lines.join("\n")}\n`;
}
