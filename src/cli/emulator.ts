import { once } from "node:events";
import { loadEmulatorConfig } from "../emulator/config.ts";
import { startEmulator } from "../emulator/emulator.ts";
import { createLog } from "../lib/log.ts";
import { type Command, withConfig } from "./command.ts";
import { EXIT, type Io } from "./io.ts";
import { problemText } from "./prepare.ts";

interface EmulatorOptions {
  readonly config: string;
  readonly exitWithParent: boolean;
}

export const emulatorCommand: Command<EmulatorOptions> = {
  command: "emulator",
  describe: "A local AWS IoT Core: authorizer API and device gateway",
  options: (argv) =>
    withConfig(argv).option("exit-with-parent", {
      type: "boolean",
      default: false,
      describe: "Also end when standard input closes",
    }),
  run: runEmulator,
};

/** Serves until it is told to stop. The first line of standard output says where. */
export async function runEmulator(
  { config: file, exitWithParent }: EmulatorOptions,
  io: Io,
): Promise<number> {
  const loaded = await loadEmulatorConfig(file);
  if (loaded.kind === "invalid") {
    for (const problem of loaded.problems) io.stderr.write(`${problemText(problem)}\n`);
    return EXIT.usage;
  }
  const log = createLog(io.env.FLEET_SMOKE_LOG_LEVEL ?? "warn");
  const { api, gateway, caFile, stop } = await startEmulator(loaded.config, { log });
  try {
    io.stdout.write(`${JSON.stringify({ api, gateway, caFile })}\n`);
    await told(io, exitWithParent);
  } finally {
    await stop();
  }
  return EXIT.ok;
}

/** A signal, or the end of the process that holds our standard input. */
async function told({ signal, stdin }: Io, exitWithParent: boolean): Promise<void> {
  const reasons = signal.aborted ? [] : [once(signal, "abort")];
  if (reasons.length === 0) return;
  if (exitWithParent) {
    stdin.resume();
    reasons.push(once(stdin, "close"));
  }
  await Promise.race(reasons);
  stdin.pause();
}
