import { assertNever } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Config } from "../../model/config.ts";
import type { Pacer } from "../../model/ports.ts";
import type { Observation, Shard, ShardEnd, ShardReport } from "../../model/shard.ts";
import type { ShardQueue, Signals } from "../shards/queue.ts";
import { Child } from "./child.ts";
import { Grants } from "./grants.ts";
import type { ToParent } from "./messages.ts";

export interface LocalQueueOptions {
  /** How to start this program again: the runtime and its arguments up to the command. */
  readonly self: readonly string[];
  readonly workers: number;
  readonly config: Config;
  readonly location: string;
  readonly pacer: Pacer;
  readonly onObserved: (observation: Observation) => void;
  readonly log: Log;
}

/** Shards that one worker has at once: while one comes to its end, the next is under way. */
const SHARDS_AT_ONCE = 3;
const END_WITHIN_MS = 2_000;

interface Given {
  readonly onReport: (report: ShardReport) => void;
  readonly onEnd: (end: ShardEnd) => void;
}

interface LocalWorker {
  readonly child: Child;
  readonly grants: Grants;
  readonly given: Map<number, Given>;
  /** Shards that it has or is about to have. */
  load: number;
}

/** Worker processes of one run on this machine; the parent holds the budgets. One that dies is replaced. */
export class LocalQueue implements ShardQueue {
  readonly lanes: number;
  readonly refusalsMs = 3_000;
  readonly #options: LocalQueueOptions;
  readonly #workers = new Set<LocalWorker>();
  readonly #waiting: ((worker: LocalWorker | null) => void)[] = [];
  #nextKey = 0;
  #isClosed = false;

  constructor(options: LocalQueueOptions) {
    this.#options = options;
    this.lanes = Math.max(16, options.workers * 4);
  }

  async work(shard: Shard, onReport: (report: ShardReport) => void, signals: Signals): Promise<ShardEnd> {
    const worker = await this.#free(signals.stop);
    if (worker === null) return { kind: "lost", reason: "the run stops" };
    const key = this.#nextKey++;
    let giveUp: NodeJS.Timeout | undefined;
    const stop = () => worker.child.send({ kind: "stop", key });
    let onEnd = (_end: ShardEnd) => {};
    const abort = () => {
      worker.child.send({ kind: "abort", key });
      giveUp = setTimeout(() => onEnd({ kind: "lost", reason: "the worker does not answer" }), END_WITHIN_MS);
    };
    try {
      return await new Promise<ShardEnd>((resolve) => {
        onEnd = resolve;
        worker.given.set(key, { onReport, onEnd });
        worker.child.send({ kind: "shard", key, shard });
        onAborted(signals.stop, stop);
        onAborted(signals.abort, abort);
      });
    } finally {
      signals.stop.removeEventListener("abort", stop);
      signals.abort.removeEventListener("abort", abort);
      clearTimeout(giveUp);
      worker.given.delete(key);
      worker.load -= 1;
      this.#serveWaiting();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const resolve of this.#waiting.splice(0)) resolve(null);
    await Promise.all([...this.#workers].map(({ child }) => child.end(END_WITHIN_MS)));
  }

  /** A worker with room for a shard; null: the run stops first. */
  #free(stop: AbortSignal): Promise<LocalWorker | null> {
    if (stop.aborted || this.#isClosed) return Promise.resolve(null);
    const free = this.#withRoom();
    if (free !== null) return Promise.resolve(free);
    return new Promise((resolve) => {
      const onStop = () => {
        const at = this.#waiting.indexOf(take);
        if (at >= 0) this.#waiting.splice(at, 1);
        resolve(null);
      };
      const take = (worker: LocalWorker | null) => {
        stop.removeEventListener("abort", onStop);
        resolve(worker);
      };
      stop.addEventListener("abort", onStop, { once: true });
      this.#waiting.push(take);
    });
  }

  /** Takes a place at the worker that has least to do. */
  #withRoom(): LocalWorker | null {
    const { workers } = this.#options;
    const least = [...this.#workers].toSorted((one, other) => one.load - other.load)[0];
    const isNewWanted = (least === undefined || least.load > 0) && this.#workers.size < workers;
    const worker = isNewWanted ? this.#start() : least;
    if (worker === undefined || worker.load >= SHARDS_AT_ONCE) return null;
    worker.load += 1;
    return worker;
  }

  #serveWaiting(): void {
    while (this.#waiting.length > 0 && !this.#isClosed) {
      const worker = this.#withRoom();
      if (worker === null) return;
      this.#waiting.shift()?.(worker);
    }
  }

  #start(): LocalWorker {
    const { self, config, location, workers, pacer, log } = this.#options;
    const child = new Child(self, (message) => this.#take(worker, message));
    const targets = new Map(config.targets.map((target) => [target.name, target]));
    const grants = new Grants(pacer, targets, (message) => child.send(message));
    const worker: LocalWorker = { child, grants, given: new Map(), load: 0 };
    this.#workers.add(worker);
    child.send({ kind: "begin", config, location, workers });
    void child.ended.then((how) => {
      this.#workers.delete(worker);
      grants.close();
      if (!this.#isClosed) log.warn({ how }, "a worker process ended");
      const reason = `the worker process ended (${how})`;
      for (const { onEnd } of worker.given.values()) onEnd({ kind: "lost", reason });
    });
    return worker;
  }

  #take(worker: LocalWorker, message: ToParent): void {
    switch (message.kind) {
      case "report":
        worker.given.get(message.key)?.onReport(message.report);
        return;
      case "end":
        worker.given.get(message.key)?.onEnd(message.end);
        return;
      case "ask":
      case "release":
      case "throttled":
        worker.grants.take(message);
        return;
      case "observed":
        for (const each of message.observations) this.#options.onObserved(each);
        return;
      default:
        assertNever(message, "message");
    }
  }
}

function onAborted(signal: AbortSignal, listener: () => void): void {
  if (signal.aborted) listener();
  else signal.addEventListener("abort", listener, { once: true });
}
