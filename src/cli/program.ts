import yargs, { type Argv } from "yargs";
import { UsageError } from "../lib/errors.ts";
import type { Command } from "./command.ts";
import { daemonCommand } from "./daemon.ts";
import { demoCommand } from "./demo.ts";
import { emulatorCommand } from "./emulator.ts";
import { gateCommand } from "./gate.ts";
import { EXIT, type Io } from "./io.ts";
import { lintCommand } from "./lint.ts";
import { planCommand } from "./plan.ts";
import { policyCommand } from "./policy.ts";
import { probeCommand } from "./probe.ts";
import { runCommand } from "./run.ts";
import { shardWorkerCommand } from "./shard-worker.ts";
import { watchCommand } from "./watch.ts";
import { workerCommand } from "./worker.ts";

/** Parses the command line, runs the command and answers its exit code. */
export async function runProgram(args: readonly string[], io: Io): Promise<number> {
  let exitCode: number = EXIT.usage;
  const cli = yargs([...args])
    .scriptName("fleet-smoke")
    .usage("$0 <command>\n\nWill our devices still get in?")
    .version(io.version)
    .strict()
    .demandCommand(1, "name a command")
    .recommendCommands()
    .exitProcess(false)
    .fail((message, error, parser) => {
      if (error) throw error;
      io.stderr.write(`${parser.help()}\n\n${message}\n`);
      throw new UsageError("");
    });
  // `--help` and `--version` answer without running a command.
  const answered = { help: true };
  const add = <Options>({ command, describe, options, run }: Command<Options>) => {
    const builder = (argv: Argv) => {
      options(argv);
      return argv;
    };
    const handler = async (argv: object) => {
      answered.help = false;
      exitCode = await run(argv as unknown as Options, io);
    };
    // yargs has an overload for each kind of description.
    if (describe === false) cli.command(command, describe, builder, handler);
    else cli.command(command, describe, builder, handler);
  };
  add(demoCommand);
  add(runCommand);
  add(daemonCommand);
  add(gateCommand);
  add(watchCommand);
  add(probeCommand);
  add(planCommand);
  add(lintCommand);
  add(policyCommand);
  add(emulatorCommand);
  add(shardWorkerCommand);
  add(workerCommand);
  await cli.parseAsync();
  return answered.help ? EXIT.ok : exitCode;
}
