import { randomUUID } from "node:crypto";
import { Queue } from "bullmq";
import { Redis } from "ioredis";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import type { Shard, ShardEnd, ShardReport } from "../../src/model/shard.ts";
import { BullQueue } from "../../src/run/bull/bull-queue.ts";
import { BullWorker, type BullWorkerOptions } from "../../src/run/bull/bull-worker.ts";
import {
  controlKey,
  controlText,
  doneKey,
  PROTOCOL,
  queueName,
  reportsKey,
} from "../../src/run/bull/keys.ts";
import { TestRedis } from "../support/redis.ts";

const log = createLog("silent");
const DONE: ShardEnd = { kind: "done", capped: 0, isCutShort: false };
const NEVER = new AbortController().signal;

let redis: TestRedis;
let client: Redis;
const closes: AsyncDisposable[] = [];
beforeAll(async () => {
  redis = await TestRedis.start();
  client = new Redis(redis.url);
  await client.ping();
});
afterEach(async () => {
  await Promise.all(closes.splice(0).map((each) => each[Symbol.asyncDispose]()));
});
afterAll(async () => {
  client.disconnect();
  await redis.stop();
});

function shardOf(runId: string): Shard {
  return {
    index: 0,
    runId,
    suite: "all",
    task: { kind: "first-wave" },
    lane: 0,
    checks: [],
    files: [],
    configChecksum: "same",
    location: null,
    done: [],
  };
}

/** As much of a result as passes through a queue. */
function resultOf(seq: number): ShardReport {
  return { kind: "result", result: { judged: { record: { seq } } } } as ShardReport;
}

function startQueue(prefix: string, runId: string): BullQueue {
  const queue = new BullQueue({ server: redis.server, prefix, runId, onObserved: () => {}, log });
  closes.push(queue);
  return queue;
}

function startWorker(prefix: string, run: BullWorkerOptions["run"]): void {
  closes.push(new BullWorker({ server: redis.server, prefix, location: null, run, log }));
}

test("what is told in a burst comes as it was told, before the end, and each place counts as done", async () => {
  const [prefix, runId] = [randomUUID(), randomUUID()];
  const queue = startQueue(prefix, runId);
  const places = Array.from({ length: 3000 }, (_, seq) => seq);
  let kept: string[] = [];
  startWorker(prefix, async (_, report) => {
    for (const seq of places) report(resultOf(seq));
    await expect
      .poll(async () => (await client.smembers((await doneKeys(prefix))[0] ?? "")).length)
      .toBe(3000);
    kept = await doneKeys(prefix);
    return DONE;
  });
  const told: ShardReport[] = [];
  const end = await queue.work(shardOf(runId), (report) => told.push(report), { stop: NEVER, abort: NEVER });
  expect(end).toEqual(DONE);
  expect(told).toEqual(places.map(resultOf));
  expect(kept).toHaveLength(1);
});

test("what was told last comes before the end, however soon that follows", async () => {
  const [prefix, runId] = [randomUUID(), randomUUID()];
  const queue = startQueue(prefix, runId);
  startWorker(prefix, async (_, report) => {
    report(resultOf(7));
    return DONE;
  });
  const told: ShardReport[] = [];
  await queue.work(shardOf(runId), (report) => told.push(report), { stop: NEVER, abort: NEVER });
  expect(told).toEqual([resultOf(7)]);
});

test("a worker whose shard is somebody else's by now tells nothing more of it, and gives it up", async () => {
  const [prefix, runId] = [randomUUID(), randomUUID()];
  const queue = startQueue(prefix, runId);
  const given = Promise.withResolvers<unknown>();
  startWorker(prefix, async (_, report, { abort }) => {
    report(resultOf(1));
    await expect.poll(() => doneKeys(prefix)).toHaveLength(1);
    const [lock = ""] = await client.keys(`${prefix}:*:lock`);
    await client.set(lock, "somebody else", "KEEPTTL");
    report(resultOf(2));
    await new Promise((resolve) => abort.addEventListener("abort", resolve, { once: true }));
    given.resolve(abort.reason);
    return DONE;
  });
  const told: ShardReport[] = [];
  const stop = new AbortController();
  const signals = { stop: stop.signal, abort: stop.signal };
  const ended = queue.work(shardOf(runId), (report) => told.push(report), signals);
  expect(await given.promise).toMatchObject({ message: "the shard is somebody else's by now" });
  stop.abort();
  expect(await ended).toMatchObject({ kind: "lost" });
  expect(told).toEqual([resultOf(1)]);
});

test("a worker refuses what a version handed out that it does not understand, and does not begin it", async () => {
  const [prefix, runId, epoch] = [randomUUID(), randomUUID(), "epoch"];
  let begun = 0;
  startWorker(prefix, async () => {
    begun += 1;
    return DONE;
  });
  await client.set(controlKey(prefix, runId), controlText(epoch, "go"));
  const queue = new Queue(queueName(null), { connection: client, prefix });
  await queue.add("shard", { protocol: PROTOCOL + 1, epoch, shard: shardOf(runId) }, { jobId: "other" });
  const key = reportsKey(prefix, runId, epoch);
  await expect.poll(() => client.xlen(key)).toBe(1);
  const [[, [, text = ""]] = ["", []]] = await client.xrange(key, "-", "+");
  expect(JSON.parse(text)).toMatchObject({
    kind: "end",
    jobId: "other",
    end: { kind: "refused", reason: expect.stringContaining("versions of fleet-smoke") },
  });
  expect(begun).toBe(0);
});

function doneKeys(prefix: string): Promise<string[]> {
  return client.keys(doneKey(prefix, "*"));
}
