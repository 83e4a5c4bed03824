import { isDeepStrictEqual } from "node:util";
import { errorMessage, UsageError } from "../../lib/errors.ts";
import type { Config } from "../../model/config.ts";
import { loadConfig } from "../../settings/load.ts";
import type { Io } from "../io.ts";
import { problemText } from "../prepare.ts";
import { Setup, type SetupParts } from "./setup.ts";

/** Problems told one by one; the rest are counted. */
const SHOWN = 50;

export type Prepared =
  /** `commit` puts it in force, and cannot fail. */
  | { readonly kind: "ready"; readonly setup: Setup; readonly commitHttp: () => void }
  | { readonly kind: "rejected"; readonly problems: readonly string[] };

export interface ReloadPorts {
  readonly parts: SetupParts;
  /** @throws UsageError */
  readonly prepareHttp: (config: Config["http"]) => Promise<() => void>;
}

/** Reads everything again as at the start; whatever is wrong is told, and nothing has changed then. */
export async function prepareReload(before: Config, { parts, prepareHttp }: ReloadPorts): Promise<Prepared> {
  const read = await readAgain(before, parts.io);
  if (read.kind === "rejected") return read;
  const { config } = read;
  let commitHttp: () => void;
  try {
    commitHttp = await prepareHttp(config.http);
  } catch (error) {
    if (error instanceof UsageError) return rejected([errorMessage(error)]);
    throw error;
  }
  const problems: string[] = [];
  let more = 0;
  const setup = await Setup.open(config, parts, (problem) => {
    if (problems.length < SHOWN) problems.push(problemText(problem));
    else more += 1;
  });
  if (setup !== null) return { kind: "ready", setup, commitHttp };
  return rejected(more > 0 ? [...problems, `and ${more} more problems`] : problems);
}

type Read =
  | { readonly kind: "read"; readonly config: Config }
  | { readonly kind: "rejected"; readonly problems: readonly string[] };

async function readAgain(before: Config, { env }: Pick<Io, "env">): Promise<Read> {
  const loaded = await loadConfig(before.file, env);
  if (loaded.kind === "invalid") return rejected(loaded.problems.map(problemText));
  const { config } = loaded;
  const problems = [...sourceProblems(config), ...fixed(before, config)];
  return problems.length > 0 ? rejected(problems) : { kind: "read", config };
}

/** What a daemon, which reads its sources for every run, cannot work with. */
export function sourceProblems({ file, profiles }: Config): string[] {
  return profiles.some(({ path }) => path === "-")
    ? [`${file}: profiles from standard input can be read once only: use \`run\`, or a file`]
    : [];
}

/** What is taken at the start and kept: only a restart changes it. */
function fixed(before: Config, after: Config): string[] {
  const address = ({ http }: Config) => [http.host, http.port];
  const parts = [
    ["http.listen", address(before), address(after)],
    ["http.tls", before.http.tls, after.http.tls],
    ["store.path", before.store?.path, after.store?.path],
    ["queue", queueOf(before), queueOf(after)],
  ] as const;
  return parts
    .filter(([, was, is]) => !isDeepStrictEqual(was, is))
    .map(([field]) => `${after.file}: ${field}: changed; that takes a restart`);
}

/** Local workers are forked for each run. A secret is equal to any other: what it says is compared. */
function queueOf({ queue }: Config): unknown {
  return queue.kind === "local" ? queue.kind : { ...queue, redis: queue.redis.exposeText() };
}

function rejected(problems: readonly string[]): { kind: "rejected"; problems: readonly string[] } {
  return { kind: "rejected", problems };
}
