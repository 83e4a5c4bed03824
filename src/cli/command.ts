import type { Argv } from "yargs";
import type { Io } from "./io.ts";

/** One command of the program: its line in the help, its options, and what it does. */
export interface Command<Options> {
  /** As yargs writes it, for example `run` or `probe <id>`. */
  readonly command: string;
  /** false: the help does not name it. */
  readonly describe: string | false;
  /** Adds the options to the parser; `Options` is what they parse to, dashes turned to camel case. */
  readonly options: (argv: Argv) => unknown;
  /** Answers the exit code. Throws UsageError for a mistake of the user. */
  readonly run: (options: Options, io: Io) => Promise<number>;
}

/** `--config`, which most commands need. */
export function withConfig<T>(argv: Argv<T>): Argv<T & { config: string }> {
  return argv.option("config", {
    type: "string",
    demandOption: true,
    requiresArg: true,
    describe: "Configuration file (YAML)",
  });
}
