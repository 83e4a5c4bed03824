import { errorMessage } from "../lib/errors.ts";
import type { Check } from "../model/check.ts";
import type { Shard, ShardEnd, ShardReport, SourceFile } from "../model/shard.ts";
import { ProfileLookup } from "../run/shards/lookup.ts";
import type { Signals } from "../run/shards/queue.ts";
import { type RunnerPorts, runShard } from "../run/shards/runner.ts";
import type { ScannedFleet } from "./sources.ts";

export interface ShardWorkerOptions {
  readonly scan: (signal: AbortSignal) => Promise<ScannedFleet | null>;
  readonly ports: Omit<RunnerPorts, "checks">;
  /** Of this worker's configuration. */
  readonly configChecksum: string;
}

/** The profiles of a run, or why this worker has other ones. */
type Opened =
  | { readonly kind: "opened"; readonly lookup: ProfileLookup; readonly fleet: ScannedFleet["fleet"] }
  | { readonly kind: "refused"; readonly reason: string };

/** Works on shards of any runs, with profiles and configuration of its own, which must be those of the run. */
export class ShardWorker implements AsyncDisposable {
  readonly #options: ShardWorkerOptions;
  readonly #closing = new AbortController();
  /** Of the run that was worked on last: runs come one after the other, or nearly so. */
  readonly #opened = new Map<string, Promise<Opened>>();

  constructor(options: ShardWorkerOptions) {
    this.#options = options;
  }

  async run(shard: Shard, report: (report: ShardReport) => void, signals: Signals): Promise<ShardEnd> {
    const opened = await this.#open(shard);
    if (opened.kind === "refused") return opened;
    let unreadable: string | null = null;
    const checks = async () => {
      try {
        return await lookUp(shard, opened.lookup);
      } catch (error) {
        unreadable = errorMessage(error);
        throw error;
      }
    };
    try {
      return await runShard(shard, { ...this.#options.ports, checks }, report, signals);
    } catch (error) {
      if (unreadable === null) throw error;
      await this.#forget(shard.runId);
      return { kind: "refused", reason: unreadable };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the worker stops"));
    await Promise.all([...this.#opened.keys()].map((runId) => this.#forget(runId)));
  }

  async #open(shard: Shard): Promise<Opened> {
    const { runId } = shard;
    const known = this.#opened.get(runId);
    const opening = known ?? this.#openAnew(shard);
    this.#opened.set(runId, opening);
    for (const other of this.#opened.keys())
      if (other !== runId && this.#opened.size > 2) await this.#forget(other);
    const opened = await opening;
    // It may have the right ones the next time.
    if (opened.kind === "refused") this.#opened.delete(runId);
    return opened;
  }

  async #openAnew(shard: Shard): Promise<Opened> {
    if (shard.configChecksum !== this.#options.configChecksum) {
      return refused("its configuration (targets, profiles or suites) is not the one of the run");
    }
    try {
      const scanned = await this.#options.scan(this.#closing.signal);
      if (scanned === null) return refused("its profile sources cannot be read");
      const { fleet } = scanned;
      const difference = differenceOf(fleet.files(), shard.files);
      if (difference === null) {
        const lookup = new ProfileLookup(() => fleet.profiles(this.#closing.signal));
        return { kind: "opened", lookup, fleet };
      }
      await fleet.close();
      return refused(difference);
    } catch (error) {
      return refused(`its profile sources cannot be read: ${errorMessage(error)}`);
    }
  }

  async #forget(runId: string): Promise<void> {
    const opening = this.#opened.get(runId);
    this.#opened.delete(runId);
    const opened = await opening;
    if (opened?.kind !== "opened") return;
    await opened.lookup[Symbol.asyncDispose]();
    await opened.fleet.close();
  }
}

async function lookUp({ checks }: Shard, lookup: ProfileLookup): Promise<Check[]> {
  const profiles = await lookup.find(checks.map(({ device }) => device));
  return checks.flatMap(({ device: _device, ...check }, index) => {
    const profile = profiles[index];
    return profile === undefined ? [] : { ...check, profile };
  });
}

function refused(reason: string): Opened {
  return { kind: "refused", reason };
}

/** Where a worker's files are not those of a run; null: they are. */
function differenceOf(own: readonly SourceFile[], theirs: readonly SourceFile[]): string | null {
  if (own.length !== theirs.length) {
    return `it has ${own.length} profile files, the run has ${theirs.length}`;
  }
  const at = own.findIndex(({ sha256 }, index) => sha256 !== theirs[index]?.sha256);
  const one = own[at];
  if (one === undefined) return null;
  const wanted = theirs[at]?.sha256 ?? "unreadable";
  return `${one.name} has the SHA-256 ${one.sha256 ?? "unreadable"}, in the run it has ${wanted}`;
}
