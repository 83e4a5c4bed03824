import type { Readable } from "node:stream";
import type { Config } from "../model/config.ts";
import type { Problem } from "../model/problem.ts";
import { KnownFiles } from "../profiles/checksum.ts";
import type { FoundProfile } from "../profiles/find-profile.ts";
import { type Fleet, openFleet } from "../profiles/fleet.ts";
import type { Scan } from "../profiles/scanner.ts";

export interface SourcesOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** null: no profile source may be standard input. */
  readonly stdin: Readable | null;
  readonly tempFolder: string;
}

/** The sources after pass one. */
export interface ScannedFleet {
  readonly fleet: Fleet;
  readonly scan: Scan;
}

/** The profile sources of a configuration, opened anew for each use. */
export class Sources {
  readonly #config: Config;
  readonly #options: SourcesOptions;
  readonly #known = new KnownFiles();

  constructor(config: Config, options: SourcesOptions) {
    this.#config = config;
    this.#options = options;
  }

  /** Opens them and reads them once; null when they cannot be opened, after the problems were told. */
  async scan(
    onProblem: (problem: Problem) => void,
    signal: AbortSignal,
    options: { readonly checkReferences?: boolean },
  ): Promise<ScannedFleet | null> {
    const opened = await this.#open();
    if (opened.kind === "invalid") {
      for (const problem of opened.problems) onProblem(problem);
      return null;
    }
    const { fleet } = opened;
    return { fleet, scan: await fleet.scan(onProblem, signal, { ...options, known: this.#known }) };
  }

  /** Finds one device by reading the sources up to it; throws the signal's reason when aborted. */
  async find(id: string, signal: AbortSignal): Promise<FoundProfile> {
    const opened = await this.#open();
    if (opened.kind === "invalid") return { kind: "missing", problems: opened.problems };
    await using fleet = opened.fleet;
    return await fleet.find(id, signal);
  }

  /** Of all bytes as they are now, read again only where they changed; null: the sources cannot be opened. */
  async checksum(signal: AbortSignal): Promise<string | null> {
    const opened = await this.#open();
    if (opened.kind === "invalid") return null;
    await using fleet = opened.fleet;
    return await fleet.checksum(this.#known, signal);
  }

  #open(): ReturnType<typeof openFleet> {
    const { profiles, targets } = this.#config;
    return openFleet(profiles, { ...this.#options, targets: targets.map(({ name }) => name) });
  }
}
