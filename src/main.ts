#!/usr/bin/env node
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import yargs, { type Argv } from "yargs";
import type { Command } from "./cli/command.ts";
import { daemonCommand } from "./cli/daemon.ts";
import { demoCommand } from "./cli/demo.ts";
import { emulatorCommand } from "./cli/emulator.ts";
import { EXIT, type Io } from "./cli/io.ts";
import { lintCommand } from "./cli/lint.ts";
import { policyCommand } from "./cli/policy.ts";
import { probeCommand } from "./cli/probe.ts";
import { runCommand } from "./cli/run.ts";
import { UNAVAILABLE_COMMANDS } from "./cli/unavailable.ts";
import { errorMessage, UsageError } from "./lib/errors.ts";

/** The only file that touches `process`: argv, environment, streams, signals, exit code. */
async function main(): Promise<number> {
  const io = createIo();
  let exitCode: number = EXIT.usage;
  const cli = yargs(process.argv.slice(2))
    .scriptName("fleet-smoke")
    .usage("$0 <command>\n\nWill our devices still get in?")
    .version(io.version)
    .strict()
    .demandCommand(1, "name a command")
    .recommendCommands()
    .exitProcess(false)
    .fail((message, error, parser) => {
      if (error) throw error;
      io.stderr.write(`${message}\n\n${parser.help()}\n`);
      throw new UsageError("");
    });
  // `--help` and `--version` answer without running a command.
  const answered = { help: true };
  const add = <Options>({ command, describe, options, run }: Command<Options>) => {
    const builder = (argv: Argv) => {
      options(argv);
      return argv;
    };
    cli.command(command, describe, builder, async (argv) => {
      answered.help = false;
      exitCode = await run(argv as unknown as Options, io);
    });
  };
  add(demoCommand);
  add(runCommand);
  add(daemonCommand);
  add(probeCommand);
  add(lintCommand);
  add(policyCommand);
  add(emulatorCommand);
  for (const command of UNAVAILABLE_COMMANDS) add(command);
  await cli.parseAsync();
  return answered.help ? EXIT.ok : exitCode;
}

function createIo(): Io {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      // The first one ends in good order, a second one at once.
      if (controller.signal.aborted) process.exit(signal === "SIGINT" ? EXIT.sigint : EXIT.sigterm);
      controller.abort(signal);
    });
  }
  const { version } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8")) as {
    version: string;
  };
  return {
    env: process.env,
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    signal: controller.signal,
    self: [process.execPath, ...process.execArgv, process.argv[1] ?? ""],
    version,
    tempFolder: tmpdir(),
  };
}

/** Reading our output may end early (`| head`): nothing is left to tell, and nobody to tell it to. */
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof UsageError;
  if (errorMessage(error) !== "") process.stderr.write(`fleet-smoke: ${errorMessage(error)}\n`);
  process.exitCode = isUsage ? EXIT.usage : EXIT.toolError;
}
