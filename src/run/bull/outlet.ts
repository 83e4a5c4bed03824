import type { Redis } from "ioredis";
import { Batch } from "../../lib/batch.ts";
import type { ShardEnd, ShardReport } from "../../model/shard.ts";
import { doneKey, lockKey, reportsKey } from "./keys.ts";
import { messageFields, type WorkerMessage } from "./messages.ts";

/** What nobody reads goes away after this long. */
const KEEP_SECONDS = 86_400;
/** A message costs more than what is in it: what is told within this goes as one. */
const COLLECT_MS = 25;

/**
 * Writes only while the job is still this worker's: one that was held up for longer than its lock lasts, and saw its
 * connections time out meanwhile, must not tell that as what the devices did.
 *
 * KEYS: lock, stream, done. ARGV: token, seconds to keep, field, message, then the places in the plan whose result is in it.
 */
const TELL = `
if redis.call('get', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('xadd', KEYS[2], '*', ARGV[3], ARGV[4])
redis.call('expire', KEYS[2], ARGV[2])
if #ARGV > 4 then
  redis.call('sadd', KEYS[3], unpack(ARGV, 5))
  redis.call('expire', KEYS[3], ARGV[2])
end
return 1`;

export interface OutletOptions {
  readonly redis: Redis;
  readonly prefix: string;
  readonly queue: string;
  readonly jobId: string;
  readonly runId: string;
  readonly epoch: string;
  /** BullMQ's, of the lock. */
  readonly token: string;
  /** The job is somebody else's by now. */
  readonly onLost: () => void;
}

/** Where a worker tells what comes of one job. */
export class Outlet {
  readonly #options: OutletOptions;
  readonly #reports = new Batch<ShardReport>((reports) => this.#tellAll(reports), COLLECT_MS);
  readonly #writing = new Set<Promise<void>>();

  constructor(options: OutletOptions) {
    this.#options = options;
  }

  /** Places in the plan that were told of this job, by whomever. */
  async done(): Promise<number[]> {
    const { redis, prefix, jobId } = this.#options;
    return (await redis.smembers(doneKey(prefix, jobId))).map(Number);
  }

  tell(report: ShardReport): void {
    this.#reports.add(report);
  }

  /** After all that was told before. */
  async end(end: ShardEnd): Promise<void> {
    this.#reports.flush();
    await Promise.all(this.#writing);
    await this.#write({ kind: "end", jobId: this.#options.jobId, end }, []);
  }

  #tellAll(reports: readonly ShardReport[]): void {
    const places = reports.flatMap((report) =>
      report.kind === "result" ? report.result.judged.record.seq : [],
    );
    const message = { kind: "reports", jobId: this.#options.jobId, reports } as const;
    const written = this.#write(message, places).finally(() => this.#writing.delete(written));
    this.#writing.add(written);
  }

  async #write(message: WorkerMessage, places: readonly number[]): Promise<void> {
    const { redis, prefix, queue, jobId, runId, epoch, token, onLost } = this.#options;
    const keys = [lockKey(prefix, queue, jobId), reportsKey(prefix, runId, epoch), doneKey(prefix, jobId)];
    const told = await redis
      .eval(TELL, keys.length, ...keys, token, KEEP_SECONDS, ...messageFields(message), ...places)
      .catch(() => 0);
    if (told !== 1) onLost();
  }
}
