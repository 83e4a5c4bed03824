import { readFile } from "node:fs/promises";
import type { Argv } from "yargs";
import { parseDuration } from "../../lib/duration.ts";
import { errorCode, UsageError } from "../../lib/errors.ts";
import type { GateClientOptions } from "./client.ts";

/** What every command needs that asks a daemon. */
export interface RemoteOptions {
  readonly url: string;
  readonly tokenFile: string;
  readonly suite: string;
  readonly caFile?: string | undefined;
  readonly timeout: string;
}

export function withRemote(argv: Argv): Argv {
  return argv
    .option("url", {
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "The daemon's address",
    })
    .option("token-file", {
      type: "string",
      demandOption: true,
      requiresArg: true,
      describe: "File with a token of scope `trigger`",
    })
    .option("suite", { type: "string", default: "all", requiresArg: true, describe: "Suite to ask about" })
    .option("ca-file", {
      type: "string",
      requiresArg: true,
      describe: "Authority of the daemon's certificate",
    })
    .option("timeout", {
      type: "string",
      default: "2h",
      requiresArg: true,
      describe: "For a decision: 250ms, 5s, 10m",
    });
}

/** @throws UsageError */
export async function clientOptions({ url, tokenFile, caFile }: RemoteOptions): Promise<GateClientOptions> {
  return { url, tokenFile, ca: caFile === undefined ? null : await readText("--ca-file", caFile) };
}

/** @throws UsageError */
export function durationOption(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw new UsageError(`${name} ${JSON.stringify(text)}: expected a duration like 250ms, 5s, 10m, 2h`);
  return ms;
}

/** @throws UsageError that names option, file and reason */
export async function readText(option: string, path: string): Promise<string> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    throw new UsageError(`${option} ${path}: cannot be read (${errorCode(error) ?? "unknown error"})`);
  }
}
