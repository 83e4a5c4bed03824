import { type Job, Worker } from "bullmq";
import type { Redis } from "ioredis";
import { sleep } from "../../lib/clock.ts";
import { errorMessage } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Observation, Shard, ShardEnd, ShardReport } from "../../model/shard.ts";
import { connectRedis, type RedisServer } from "../redis/connect.ts";
import type { Signals } from "../shards/queue.ts";
import {
  type Control,
  controlKey,
  LOCK_MS,
  PROTOCOL,
  queueName,
  readControl,
  reportsKey,
  type ShardJob,
} from "./keys.ts";
import { messageFields } from "./messages.ts";
import { Outlet } from "./outlet.ts";

export interface BullWorkerOptions {
  readonly server: RedisServer;
  readonly prefix: string;
  /** null: takes only what may be done anywhere. */
  readonly location: string | null;
  readonly run: (shard: Shard, report: (report: ShardReport) => void, signals: Signals) => Promise<ShardEnd>;
  readonly log: Log;
  /** Omitted: 30 seconds. */
  readonly lockMs?: number | undefined;
}

/** While one shard comes to its end, the next is under way. */
const SHARDS_AT_ONCE = 3;
const LOOK_MS = 500;
const CLOSE_WITHIN_MS = 8_000;
/** As long as the server can be away without a shard being given up for that. */
const MISSING_CONTROL_MS = 5_000;

const OTHER_VERSION: ShardEnd = {
  kind: "refused",
  reason:
    "the worker and whoever handed out the shard are of versions of fleet-smoke that do not understand each other",
};
const STOPPED: ShardEnd = { kind: "lost", reason: "the worker was stopped" };

class ShardsWorker extends Worker<ShardJob> {
  /**
   * One that is told to end while its connection is being made again waits for ever for that connection's end, and would keep
   * its process alive by renewing locks. Once it has no connection there is nothing to renew.
   */
  async endRenewing(): Promise<void> {
    await this.lockManager.close();
  }
}

/** Takes shards from Redis and works on them. */
export class BullWorker implements AsyncDisposable {
  readonly #options: BullWorkerOptions;
  readonly #redis: Redis;
  readonly #workers: readonly ShardsWorker[];
  readonly #closing = new AbortController();
  /** Whose run was worked on last: who is told what is observed. */
  #latest: ShardJob | null = null;

  constructor(options: BullWorkerOptions) {
    this.#options = options;
    const { server, location, log } = options;
    this.#redis = connectRedis(server, {
      whenDown: "wait",
      name: "fleet-smoke-worker",
      onTrouble: (message) => log.warn({ message }, "the queue's server is in trouble"),
    });
    const queues = [null, location].filter((each, index) => index === 0 || each !== null);
    this.#workers = queues.map((each) => this.#start(queueName(each)));
  }

  /** For the metrics of whoever handed out the shards. */
  observed(observations: readonly Observation[]): void {
    if (this.#latest === null) return;
    const { shard, epoch } = this.#latest;
    const key = reportsKey(this.#options.prefix, shard.runId, epoch);
    this.#redis.xadd(key, "*", ...messageFields({ kind: "observed", observations })).catch(() => {});
  }

  /** Takes nothing more; what is in flight finishes, the rest is left to others. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new Error("the worker stops"));
    const closed = new AbortController();
    const late = sleep(CLOSE_WITHIN_MS, closed.signal).catch(() => {});
    await Promise.race([Promise.allSettled(this.#workers.map((worker) => worker.close())), late]);
    closed.abort();
    this.#redis.disconnect();
    await Promise.all(this.#workers.map((worker) => worker.endRenewing()));
  }

  #start(queue: string): ShardsWorker {
    const { prefix, log, lockMs = LOCK_MS } = this.#options;
    const held = new Map<string, AbortController>();
    const worker = new ShardsWorker(queue, (job, token) => this.#work(queue, job, token ?? "", held), {
      connection: this.#redis,
      prefix,
      concurrency: SHARDS_AT_ONCE,
      lockDuration: lockMs,
      stalledInterval: Math.ceil(lockMs / 2),
      maxStalledCount: 1_000_000,
      removeOnComplete: { count: 0 },
      removeOnFail: { count: 0 },
    });
    worker.on("error", (error: Error) => log.debug({ error: error.message }, "worker"));
    worker.on("lockRenewalFailed", (jobIds: string[]) => {
      for (const jobId of jobIds) held.get(jobId)?.abort(new Error("the shard is somebody else's by now"));
    });
    return worker;
  }

  async #work(
    queue: string,
    job: Job<ShardJob>,
    token: string,
    held: Map<string, AbortController>,
  ): Promise<void> {
    const { redis, prefix, run, log } = { redis: this.#redis, ...this.#options };
    const { protocol, shard, epoch } = job.data;
    // Handed out by a process that is gone: nobody waits for it.
    if ((await this.#control(job.data)) === null) return;
    const jobId = job.id ?? "";
    const stop = new AbortController();
    const abort = new AbortController();
    const giveUp = (reason: Error) => {
      stop.abort(reason);
      abort.abort(reason);
    };
    held.set(jobId, abort);
    abort.signal.addEventListener("abort", () => stop.abort(abort.signal.reason), { once: true });
    const onLost = () => giveUp(new Error("the shard is somebody else's by now"));
    const outlet = new Outlet({ redis, prefix, queue, jobId, runId: shard.runId, epoch, token, onLost });
    const over = new AbortController();
    const looking = this.#obey(job.data, stop, giveUp, over.signal);
    this.#latest = job.data;
    try {
      const done = [...shard.done, ...(await outlet.done())];
      const signals = { stop: stop.signal, abort: abort.signal };
      const report = (each: ShardReport) => outlet.tell(each);
      const ended = protocol === PROTOCOL ? await run({ ...shard, done }, report, signals) : OTHER_VERSION;
      const end = this.#closing.signal.aborted ? STOPPED : ended;
      await outlet.end(end);
      log.debug({ runId: shard.runId, shard: shard.index, end: end.kind }, "shard");
      if (end.kind !== "refused") return;
      log.error({ runId: shard.runId, reason: end.reason }, "refused a shard");
      // Leaves what it refused to others.
      await sleep((this.#options.lockMs ?? LOCK_MS) / 3, this.#closing.signal).catch(() => {});
    } catch (error) {
      log.error({ runId: shard.runId, error: errorMessage(error) }, "a shard failed");
      await outlet.end({ kind: "lost", reason: errorMessage(error) });
    } finally {
      over.abort();
      held.delete(jobId);
      await looking;
    }
  }

  /** Stops when the run does, and gives up when whoever handed out the shard is gone. */
  async #obey(
    job: ShardJob,
    stop: AbortController,
    giveUp: (reason: Error) => void,
    over: AbortSignal,
  ): Promise<void> {
    const until = AbortSignal.any([over, this.#closing.signal]);
    let missedMs = 0;
    while (!until.aborted) {
      const control = await this.#control(job);
      missedMs = control === null ? missedMs + LOOK_MS : 0;
      if (control === "stop") stop.abort(new Error("the run stops"));
      if (control === "abort") giveUp(new Error("the run is given up"));
      if (missedMs > MISSING_CONTROL_MS) giveUp(new Error("whoever handed out the shard is gone"));
      await sleep(LOOK_MS, until).catch(() => {});
    }
    if (this.#closing.signal.aborted) stop.abort(this.#closing.signal.reason);
  }

  async #control({ shard, epoch }: ShardJob): Promise<Control | null | "unknown"> {
    try {
      return readControl(await this.#redis.get(controlKey(this.#options.prefix, shard.runId)), epoch);
    } catch {
      return "unknown";
    }
  }
}
