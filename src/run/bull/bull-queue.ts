import { randomBytes } from "node:crypto";
import { type JobsOptions, Queue } from "bullmq";
import type { Redis } from "ioredis";
import { sleep } from "../../lib/clock.ts";
import { errorMessage } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Observation, Shard, ShardEnd, ShardReport } from "../../model/shard.ts";
import { connectRedis, type RedisServer } from "../redis/connect.ts";
import type { ShardQueue, Signals } from "../shards/queue.ts";
import {
  type Control,
  controlKey,
  controlText,
  LOCK_MS,
  PROTOCOL,
  queueName,
  reportsKey,
  type ShardJob,
} from "./keys.ts";
import { readMessage, type WorkerMessage } from "./messages.ts";

export interface BullQueueOptions {
  readonly server: RedisServer;
  readonly prefix: string;
  readonly runId: string;
  readonly onObserved: (observation: Observation) => void;
  readonly log: Log;
  /** Omitted: 30 seconds. */
  readonly lockMs?: number | undefined;
}

const LANES = 32;
const BLOCK_MS = 1_000;
const MOST_READ = 100;
/** What many workers tell within this is read at once. */
const COLLECT_MS = 25;
/** The key that keeps workers going is renewed often enough to live through a restart of the server. */
const CONTROL = { ttlSeconds: 60, renewMs: 10_000 } as const;
/** A worker that does not hear of an abort is not waited for. */
const GIVE_UP_MS = 3_000;
const KEEP_NOTHING: JobsOptions = { removeOnComplete: true, removeOnFail: true };

interface Given {
  readonly queue: Queue<ShardJob>;
  readonly onReport: (report: ShardReport) => void;
  readonly onEnd: (end: ShardEnd) => void;
}

/**
 * Hands shards of one run to whoever takes them from Redis, by BullMQ, which gives a shard to somebody else when its
 * worker stops renewing the lock. What workers tell comes back over a stream, and waits there while nobody reads.
 */
export class BullQueue implements ShardQueue {
  readonly lanes = LANES;
  /** As long as a worker that may be lost is waited for. */
  readonly refusalsMs: number;
  readonly #options: BullQueueOptions;
  readonly #epoch = randomBytes(6).toString("hex");
  readonly #redis: Redis;
  readonly #reader: Redis;
  readonly #queues = new Map<string, Queue<ShardJob>>();
  readonly #given = new Map<string, Given>();
  readonly #closing = new AbortController();
  readonly #background: Promise<unknown>;
  #control: Control = "go";

  constructor(options: BullQueueOptions) {
    this.#options = options;
    this.refusalsMs = options.lockMs ?? LOCK_MS;
    const { server, log } = options;
    const onTrouble = (message: string) => log.warn({ message }, "the queue's server is in trouble");
    this.#redis = connectRedis(server, { whenDown: "wait", name: "fleet-smoke-queue", onTrouble });
    this.#reader = connectRedis(server, { whenDown: "wait", name: "fleet-smoke-reports", onTrouble });
    this.#background = Promise.allSettled([this.#read(), this.#keepGoing(), this.#watch()]);
  }

  async work(shard: Shard, onReport: (report: ShardReport) => void, signals: Signals): Promise<ShardEnd> {
    if (signals.stop.aborted) return lost("the run stops");
    const { runId } = this.#options;
    const jobId = `${runId}-${this.#epoch}-${shard.index}`;
    const queue = this.#queue(shard.location);
    const ended = Promise.withResolvers<ShardEnd>();
    this.#given.set(jobId, { queue, onReport, onEnd: ended.resolve });
    let giveUp: NodeJS.Timeout | undefined;
    const onStop = () => {
      this.#tell("stop");
      // One that nobody has begun is begun by nobody any more.
      queue.remove(jobId).then(
        (removed) => removed === 1 && ended.resolve(lost("the run stops")),
        () => {},
      );
    };
    const onAbort = () => {
      this.#tell("abort");
      giveUp = setTimeout(() => ended.resolve(lost("the worker does not answer")), GIVE_UP_MS);
    };
    signals.stop.addEventListener("abort", onStop, { once: true });
    signals.abort.addEventListener("abort", onAbort, { once: true });
    try {
      const job = { protocol: PROTOCOL, shard, epoch: this.#epoch };
      const added = queue.add("shard", job, { ...KEEP_NOTHING, jobId });
      added.catch((error: Error) => ended.resolve(lost(error.message)));
      return await ended.promise;
    } finally {
      clearTimeout(giveUp);
      signals.stop.removeEventListener("abort", onStop);
      signals.abort.removeEventListener("abort", onAbort);
      this.#given.delete(jobId);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the run is over"));
    const { prefix, runId } = this.#options;
    const keys = [controlKey(prefix, runId), reportsKey(prefix, runId, this.#epoch)];
    // Where the server is away they expire by themselves.
    await Promise.race([this.#redis.del(...keys).catch(() => {}), after(GIVE_UP_MS)]);
    this.#reader.disconnect();
    await Promise.race([
      Promise.allSettled([...this.#queues.values()].map((queue) => queue.close())),
      after(GIVE_UP_MS),
    ]);
    this.#redis.disconnect();
    await this.#background;
  }

  #queue(location: string | null): Queue<ShardJob> {
    const name = queueName(location);
    const known = this.#queues.get(name);
    if (known !== undefined) return known;
    const { prefix, log } = this.#options;
    const queue = new Queue<ShardJob>(name, { connection: this.#redis, prefix });
    queue.on("error", (error: Error) => log.debug({ error: error.message }, "queue"));
    this.#queues.set(name, queue);
    return queue;
  }

  /** Reads what workers tell until it is closed; what was read is deleted. */
  async #read(): Promise<void> {
    const { prefix, runId } = this.#options;
    const key = reportsKey(prefix, runId, this.#epoch);
    let last = "0";
    while (!this.#closing.signal.aborted) {
      try {
        const read = await this.#reader.xread("COUNT", MOST_READ, "BLOCK", BLOCK_MS, "STREAMS", key, last);
        const entries = read?.[0]?.[1] ?? [];
        for (const [id, fields] of entries) {
          last = id;
          this.#take(readMessage(fields));
        }
        if (entries.length === 0) continue;
        await this.#redis.xdel(key, ...entries.map(([id]) => id));
        if (entries.length < MOST_READ) await sleep(COLLECT_MS, this.#closing.signal).catch(() => {});
      } catch (error) {
        await this.#afterTrouble(error);
      }
    }
  }

  #take(message: WorkerMessage | null): void {
    if (message === null) return;
    if (message.kind === "observed") {
      for (const each of message.observations) this.#options.onObserved(each);
      return;
    }
    const given = this.#given.get(message.jobId);
    if (message.kind === "end") given?.onEnd(message.end);
    else for (const report of message.reports) given?.onReport(report);
  }

  #tell(control: "stop" | "abort"): void {
    if (this.#control === control || this.#control === "abort") return;
    this.#control = control;
    this.#writeControl().catch(() => {});
  }

  async #writeControl(): Promise<void> {
    const { prefix, runId } = this.#options;
    const text = controlText(this.#epoch, this.#control);
    await this.#redis.set(controlKey(prefix, runId), text, "EX", CONTROL.ttlSeconds);
  }

  async #keepGoing(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      await this.#writeControl().catch((error: unknown) => this.#afterTrouble(error));
      await sleep(CONTROL.renewMs, this.#closing.signal).catch(() => {});
    }
  }

  /** Finds jobs that are gone without having told their end: the server lost them, or their worker failed. */
  async #watch(): Promise<void> {
    const everyMs = this.#options.lockMs ?? LOCK_MS;
    let missing = new Set<string>();
    while (!this.#closing.signal.aborted) {
      await sleep(everyMs, this.#closing.signal).catch(() => {});
      const gone = new Set<string>();
      for (const [jobId, { queue }] of this.#given) {
        const isThere = await queue.getJob(jobId).then(
          (job) => job !== undefined,
          () => true,
        );
        if (!isThere) gone.add(jobId);
      }
      // Twice, so that an end that is still to be read is not missed.
      for (const jobId of gone)
        if (missing.has(jobId)) this.#given.get(jobId)?.onEnd(lost("its job is gone"));
      missing = gone;
    }
  }

  async #afterTrouble(error: unknown): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#options.log.debug({ error: errorMessage(error) }, "the queue's server is in trouble");
    await sleep(BLOCK_MS, this.#closing.signal).catch(() => {});
  }
}

function lost(reason: string): ShardEnd {
  return { kind: "lost", reason };
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
