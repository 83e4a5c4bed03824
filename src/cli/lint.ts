import { createPublicKey, type KeyObject } from "node:crypto";
import { App } from "../app.ts";
import { readBoundedFile } from "../lib/bounded-file.ts";
import { wallMs } from "../lib/clock.ts";
import { UsageError } from "../lib/errors.ts";
import { createLog } from "../lib/log.ts";
import { lintTarget } from "../lint/connection.ts";
import { problem } from "../lint/finding.ts";
import { type Config, THIS_PROCESS } from "../model/config.ts";
import { findDecoys } from "../plan/decoys.ts";
import { createCredentials } from "../profiles/credentials.ts";
import type { Fleet } from "../profiles/fleet.ts";
import { type LoadedConfig, loadConfig } from "../settings/load.ts";
import { type Command, withConfig } from "./command.ts";
import { EXIT, type Io, signalExit } from "./io.ts";
import { createFleetLint } from "./lint-fleet.ts";
import { type LintReport, LintReportBuilder } from "./lint-report.ts";
import { problemText } from "./prepare.ts";

interface LintOptions {
  readonly config: string;
  readonly json: boolean;
  readonly publicKey: readonly string[];
}

export const lintCommand: Command<LintOptions> = {
  command: "lint",
  describe: "Check configuration and profiles offline; each problem with file, line and field",
  options: (argv) =>
    withConfig(argv)
      .option("json", { type: "boolean", default: false, describe: "One JSON object" })
      .option("public-key", {
        type: "string",
        array: true,
        requiresArg: true,
        default: [],
        describe: "Authorizers' public keys (PEM): each signature must verify with one of them",
      }),
  run: lint,
};

async function lint({ config, json, publicKey }: LintOptions, io: Io): Promise<number> {
  const publicKeys = await Promise.all(publicKey.map(readPublicKey));
  const report = await find(config, publicKeys, io);
  const interrupted = signalExit(io.signal);
  if (interrupted !== null) return interrupted;
  io.stdout.write(json ? `${JSON.stringify(report)}\n` : text(config, report));
  return report.problems.length > 0 ? EXIT.usage : EXIT.ok;
}

const MAX_KEY_BYTES = 64 * 1024;

async function readPublicKey(path: string): Promise<KeyObject> {
  const file = await readBoundedFile(path, MAX_KEY_BYTES);
  if (file.kind === "unreadable") throw new UsageError(`--public-key ${path} ${file.reason}`);
  try {
    const key = createPublicKey(file.bytes);
    if (key.asymmetricKeyType === "rsa") return key;
  } catch {
    // Said below, for what is no key as for what is another kind of key.
  }
  throw new UsageError(`--public-key ${path} is not an RSA public key in PEM`);
}

async function find(file: string, publicKeys: readonly KeyObject[], io: Io): Promise<LintReport> {
  const report = new LintReportBuilder();
  const loaded = await loadConfig(file, io.env);
  if (loaded.kind === "invalid") {
    for (const problem of loaded.problems) report.problem(problem);
    return report.result(0);
  }
  const { config, lines } = loaded;
  for (const [index, target] of config.targets.entries()) {
    for (const found of lintTarget(target, index)) {
      report.finding(found, { file, line: lines.get(found.field)?.value ?? null });
    }
  }
  // Nothing is spent, so there is no budget to share.
  const alone = { ...config, queue: THIS_PROCESS };
  await using app = new App({ ...io, config: alone, log: createLog("silent") });
  const scanned = await app.scan((problem) => report.problem(problem), io.signal);
  if (scanned !== null) {
    await using fleet = scanned.fleet;
    await lintFleet(fleet, config, publicKeys, report, io);
    await lintDecoys(fleet, loaded, file, report, io.signal);
  }
  const profiles = scanned?.scan.profiles ?? 0;
  return report.result(profiles);
}

/** A second pass, over the profiles that are valid in themselves. */
async function lintFleet(
  fleet: Fleet,
  { targets }: Config,
  publicKeys: readonly KeyObject[],
  report: LintReportBuilder,
  { env, signal, killGroup }: Io,
): Promise<void> {
  const credentials = createCredentials({ env, killGroup });
  const look = createFleetLint({ targets, credentials, publicKeys, nowMs: wallMs() });
  try {
    for await (const profile of fleet.profiles(signal)) {
      if (profile.exec !== null) report.fromCommand();
      for (const found of await look(profile, signal)) report.finding(found, profile.origin);
    }
  } finally {
    await credentials.close();
  }
}

/** Decoys are named in the configuration, and what they are stands in the sources. */
async function lintDecoys(
  fleet: Fleet,
  { config, lines }: Pick<Extract<LoadedConfig, { kind: "loaded" }>, "config" | "lines">,
  file: string,
  report: LintReportBuilder,
  signal: AbortSignal,
): Promise<void> {
  for (const [at, { derived }] of config.suites.entries()) {
    const decoys = derived?.decoys ?? [];
    const { refused } = await findDecoys(decoys, () => fleet.profiles(signal));
    for (const { id, reason } of refused) {
      const field = `suites[${at}].derived.decoys[${decoys.indexOf(id)}]`;
      const found = problem("decoy-unfit", field, `${JSON.stringify(id)} cannot be a decoy: ${reason}`);
      report.finding(found, { file, line: lines.get(field)?.value ?? null });
    }
  }
}

function text(file: string, report: LintReport): string {
  const { problems, warnings, more, moreWarnings, profiles, fromCommand } = report;
  const lines = [
    ...problems.map((each) => problemText(each) + rule(each)),
    ...warnings.map((each) => problemText({ ...each, message: `warning: ${each.message}` }) + rule(each)),
    ...(fromCommand > 0
      ? [
          `${file}: note: the credentials of ${count(fromCommand, 0, "profile")} come from a command, which lint does not run`,
        ]
      : []),
  ];
  const found = [
    problems.length > 0 ? count(problems.length, more, "problem") : "no problems",
    ...(warnings.length > 0 ? [count(warnings.length, moreWarnings, "warning")] : []),
  ];
  lines.push(`${found.join(", ")}${problems.length > 0 ? "" : `; ${count(profiles, 0, "profile")}`}`);
  return `${lines.join("\n")}\n`;
}

function rule(found: { readonly rule?: string }): string {
  return found.rule === undefined ? "" : ` [${found.rule}]`;
}

function count(listed: number, more: number, noun: string): string {
  const total = listed + more;
  return `${total === 1 ? `1 ${noun}` : `${total} ${noun}s`}${more > 0 ? ` (${more} not listed)` : ""}`;
}
