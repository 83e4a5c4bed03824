import { App } from "../app.ts";
import { createLog } from "../lib/log.ts";
import { toRecord } from "../lib/words.ts";
import type { Profile } from "../model/profile.ts";
import type { Result } from "../model/result.ts";
import { judge } from "../pipeline.ts";
import { checksOf } from "../plan/select.ts";
import { describeCheck } from "../report/check-steps.ts";
import { type Command, withConfig } from "./command.ts";
import { EXIT, type Io, signalExit } from "./io.ts";
import { problemPrinter, readActingConfig } from "./prepare.ts";

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
  run: probeDevice,
};

async function probeDevice({ config: file, device, json }: ProbeOptions, io: Io): Promise<number> {
  const config = await readActingConfig(file, io);
  if (config === null) return EXIT.usage;
  await using app = new App({ ...io, config, log: createLog(io.env.FLEET_SMOKE_LOG_LEVEL ?? "warn") });
  const problems = problemPrinter(io.stderr);
  const scanned = await app.scan(problems.print, io.signal);
  problems.end();
  if (scanned === null) return EXIT.usage;
  await using fleet = scanned.fleet;

  const profile = await find(fleet.profiles(io.signal), device);
  if (profile === null) {
    io.stderr.write(`unknown device ${JSON.stringify(device)}: no valid profile has this id\n`);
    return EXIT.unknownDevice;
  }
  const results: Result[] = [];
  for (const check of checksOf(profile, 0)) {
    const examined = await app.examine(check, io.signal);
    const { invocation, prediction, outcome, topics, secondAttempts, guard, context } = examined.facts;
    // One device alone cannot show whether a bare close was a refusal or an outage.
    const verdict = judge(examined, false);
    const seen = { check, invocation, prediction, outcome, topics, secondAttempts, guard };
    const result = { ...seen, verdict, location: "local" };
    results.push(result);
    if (!json) io.stdout.write(`${describeCheck(result, context)}\n`);
  }
  if (json) io.stdout.write(`${JSON.stringify({ device, results: results.map(toRecord) })}\n`);
  return signalExit(io.signal) ?? exitFor(results);
}

async function find(profiles: AsyncIterable<Profile>, id: string): Promise<Profile | null> {
  for await (const profile of profiles) if (profile.id === id) return profile;
  return null;
}

function exitFor(results: readonly Result[]): number {
  const kinds = results.map(({ verdict }) => verdict.kind);
  if (kinds.includes("fail")) return EXIT.noGo;
  return kinds.every((kind) => kind === "pass") ? EXIT.go : EXIT.inconclusive;
}
