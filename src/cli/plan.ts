import { App } from "../app.ts";
import { createLog } from "../lib/log.ts";
import { THIS_PROCESS } from "../model/config.ts";
import { estimatePlan } from "../plan/estimate.ts";
import { planText } from "../report/plan.ts";
import { type Command, withConfig } from "./command.ts";
import { EXIT, type Io, signalExit } from "./io.ts";
import { problemPrinter, readConfig } from "./prepare.ts";
import { chooseSuite } from "./run.ts";
import { type SampleOptions, sampleOf, withSample } from "./sample-options.ts";

interface PlanOptions extends SampleOptions {
  readonly config: string;
  readonly suite?: string | undefined;
  readonly json: boolean;
}

export const planCommand: Command<PlanOptions> = {
  command: "plan",
  describe: "Show what a run would do and what it would cost; asks neither AWS nor the gateway",
  options: (argv) =>
    withSample(withConfig(argv))
      .option("suite", { type: "string", requiresArg: true, describe: "Suite to plan" })
      .option("json", { type: "boolean", default: false, describe: "One JSON object" }),
  run: plan,
};

async function plan(options: PlanOptions, io: Io): Promise<number> {
  const sample = sampleOf(options);
  const config = await readConfig(options.config, io);
  if (config === null) return EXIT.usage;
  const suite = chooseSuite(config, options.suite);

  // Nothing is spent, so there is no budget to share.
  const alone = { ...config, queue: THIS_PROCESS };
  await using app = new App({ ...io, config: alone, log: createLog("silent") });
  const problems = problemPrinter(io.stderr);
  const scanned = await app.scan(problems.print, io.signal);
  problems.end();
  if (scanned === null) return EXIT.usage;
  await using fleet = scanned.fleet;
  if (problems.count() > 0) return EXIT.usage;

  const estimate = await estimatePlan({
    profiles: () => fleet.profiles(io.signal),
    targets: config.targets,
    suite,
    selection: { suite: suite.name, cohorts: null, devices: null, allowDeviceIdentity: 0, ...sample },
  });
  // Counts of a part would look like those of the whole.
  const interrupted = signalExit(io.signal);
  if (interrupted !== null) return interrupted;
  const { stdout, env } = io;
  const style = { color: stdout.isTTY && !env.NO_COLOR, width: stdout.columns ?? 80 };
  stdout.write(options.json ? `${JSON.stringify(estimate)}\n` : `${planText(estimate, style)}\n`);
  return EXIT.ok;
}
