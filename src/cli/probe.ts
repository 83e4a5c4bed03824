import { App } from "../app.ts";
import { createLog } from "../lib/log.ts";
import type { VerdictKind } from "../model/result.ts";
import type { CheckSteps } from "../report/steps/check-steps.ts";
import { checkText } from "../report/steps/render.ts";
import { type Command, withConfig } from "./command.ts";
import { EXIT, type Io, signalExit } from "./io.ts";
import { problemPrinter, readConfig } from "./prepare.ts";
import { probeDevice, probeReport } from "./probe-device.ts";

interface ProbeOptions {
  readonly config: string;
  readonly device: string;
  readonly json: boolean;
}

export const probeCommand: Command<ProbeOptions> = {
  command: "probe",
  describe: "Test one device and show every step",
  options: (argv) =>
    withConfig(argv)
      .option("device", { type: "string", demandOption: true, requiresArg: true, describe: "Profile id" })
      .option("json", { type: "boolean", default: false, describe: "One JSON object" }),
  run: probe,
};

async function probe({ config: file, device, json }: ProbeOptions, io: Io): Promise<number> {
  const config = await readConfig(file, io);
  if (config === null) return EXIT.usage;
  await using app = new App({ ...io, config, log: createLog(io.env.FLEET_SMOKE_LOG_LEVEL ?? "warn") });
  const found = await app.findDevice(device, io.signal);
  if (found.kind === "missing") {
    const problems = problemPrinter(io.stderr);
    for (const problem of found.problems) problems.print(problem);
    io.stderr.write(`unknown device ${JSON.stringify(device)}: no valid profile has this id\n`);
    return EXIT.unknownDevice;
  }

  const color = io.stdout.isTTY && !io.env.NO_COLOR;
  const results: CheckSteps[] = [];
  for await (const { steps } of probeDevice(app, found.profile, io.signal)) {
    if (!json)
      io.stdout.write(separated(checkText(steps, { color, width: io.stdout.columns ?? 80 }), results));
    results.push(steps);
  }
  const report = probeReport(device, results);
  if (json) io.stdout.write(`${JSON.stringify(report)}\n`);
  return signalExit(io.signal) ?? EXIT_FOR[report.verdict];
}

/** A device's second protocol stands apart from its first. */
function separated(text: string, before: readonly unknown[]): string {
  return before.length === 0 ? `${text}\n` : `\n\n${text}\n`;
}

const EXIT_FOR: Readonly<Record<VerdictKind, number>> = {
  pass: EXIT.go,
  fail: EXIT.noGo,
  inconclusive: EXIT.inconclusive,
  skipped: EXIT.inconclusive,
};
