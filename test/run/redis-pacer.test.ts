import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectRedis } from "../../src/run/redis/connect.ts";
import { createRedisPacer, type RedisPacer } from "../../src/run/redis/pacer.ts";
import { ServerClock } from "../../src/run/redis/server-clock.ts";
import { TestRedis } from "../support/redis.ts";
import { holderTarget, LEASE_MARGIN_MS } from "./redis-target.ts";
import { busiestSecond } from "./sliding-second.ts";

const INVOKE = "TestInvokeAuthorizer";
const NEVER = new AbortController().signal;
const HOLDER = fileURLToPath(new URL("redis-holder.ts", import.meta.url));

let redis: TestRedis;
let prefixes = 0;
const closes: (() => unknown)[] = [];
beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(async () => {
  for (const close of closes.reverse()) await close();
  await redis.stop();
});

function newPrefix(): string {
  return `test-${prefixes++}`;
}

function open(prefix: string, server = redis.server, leaseMarginMs = LEASE_MARGIN_MS): RedisPacer {
  const pacer = createRedisPacer({ server, prefix, leaseMarginMs, onTrouble: () => {} });
  closes.push(() => pacer[Symbol.asyncDispose]());
  return pacer;
}

/** All of them together take `each` tokens apiece; answers when. */
async function takeAll(pacers: readonly RedisPacer[], each: number): Promise<number[]> {
  const usedAtMs: number[] = [];
  const takes = pacers.flatMap((pacer) =>
    Array.from({ length: each }, async () => {
      await pacer.take(holderTarget(), INVOKE, NEVER);
      usedAtMs.push(performance.now());
    }),
  );
  await Promise.all(takes);
  return usedAtMs;
}

// Side by side, as they mostly wait.
describe.concurrent("a budget shared over Redis", () => {
  test("ten who share it make no more than limit and burst in any sliding second", async () => {
    const prefix = newPrefix();
    const usedAtMs = await takeAll(
      Array.from({ length: 10 }, () => open(prefix)),
      50,
    );
    expect(usedAtMs).toHaveLength(500);
    expect(busiestSecond(usedAtMs)).toBeLessThanOrEqual(201);
  });

  test("whoever does not share the prefix does not share the budget", async () => {
    const [one, other] = [open(newPrefix()), open(newPrefix())];
    const slow = { ...holderTarget(), budgets: { invokesPerSecond: 0.01, connectsPerSecond: 1, burst: 1 } };
    await Promise.all([one.take(slow, INVOKE, NEVER), other.take(slow, INVOKE, NEVER)]);
    const stop = new AbortController();
    const waiting = one.take(slow, INVOKE, stop.signal);
    await other.take(holderTarget(), "DescribeEndpoint", NEVER);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
  });

  test("a server that has forgotten everything gives no second burst within the second", async () => {
    const pacer = open("forgets");
    const here = { ...holderTarget(), budgets: { invokesPerSecond: 10, connectsPerSecond: 10, burst: 25 } };
    const usedAtMs: number[] = [];
    const takes = () =>
      Array.from({ length: 25 }, async () => {
        await pacer.take(here, INVOKE, NEVER);
        usedAtMs.push(performance.now());
      });
    await Promise.all(takes());
    const eraser = connectRedis(redis.server, { whenDown: "wait", name: "eraser", onTrouble: () => {} });
    closes.push(() => eraser.disconnect());
    for (const key of await eraser.keys("forgets:*")) await eraser.del(key);
    await Promise.all(takes());
    expect(busiestSecond(usedAtMs)).toBeLessThanOrEqual(35);
  });

  test("while Redis is away nobody gets a token; after its crash, also without its memory, none is spent twice", async ({
    expect,
  }) => {
    const crashing = await TestRedis.start();
    closes.push(() => crashing.stop());
    const prefix = newPrefix();
    const pacers = [open(prefix, crashing.server), open(prefix, crashing.server)];
    const usedAtMs: number[] = [];
    const stop = new AbortController();
    const take = async (pacer: RedisPacer): Promise<void> => {
      for (;;) {
        await pacer.take(holderTarget(), INVOKE, stop.signal);
        usedAtMs.push(performance.now());
      }
    };
    const working = Promise.allSettled(pacers.flatMap((pacer) => [1, 2, 3, 4].map(() => take(pacer))));
    await expect.poll(() => usedAtMs.length, { timeout: 20_000 }).toBeGreaterThan(150);

    const eraser = connectRedis(crashing.server, { whenDown: "wait", name: "eraser", onTrouble: () => {} });
    closes.push(() => eraser.disconnect());
    await eraser.flushall();
    await crashing.kill();
    const before = usedAtMs.length;
    const stopEarly = AbortSignal.timeout(300);
    await expect(pacers[0]?.take(holderTarget(), INVOKE, stopEarly)).rejects.toThrow();
    // What was reserved before the crash is let go of as soon as the connection is seen to be lost.
    expect(usedAtMs.length - before).toBeLessThan(40);
    await crashing.resume();
    await expect.poll(() => usedAtMs.length, { timeout: 20_000 }).toBeGreaterThan(before + 300);
    stop.abort(new Error("enough"));
    await working;
    expect(busiestSecond(usedAtMs)).toBeLessThanOrEqual(201);
  });

  test("one who is throttled slows all of them down", async () => {
    const prefix = newPrefix();
    const [one, other] = [open(prefix), open(prefix)];
    await takeAll([one, other], 1);
    one.throttled(holderTarget(), INVOKE);
    // Half of the limit, growing by a twentieth of it a second: 100 tokens take about a second instead of half of one.
    const usedAtMs = await takeAll([other], 100);
    expect(busiestSecond(usedAtMs)).toBeLessThanOrEqual(125);
  });

  test("a pause holds everybody back until it ends", async () => {
    const prefix = newPrefix();
    const [daemon, worker] = [open(prefix), open(prefix)];
    await takeAll([daemon, worker], 1);
    await daemon.setPaused(true);
    const early = AbortSignal.timeout(700);
    await expect(worker.take(holderTarget(), INVOKE, early)).rejects.toThrow();
    await daemon.setPaused(false);
    await worker.take(holderTarget(), INVOKE, NEVER);
  });
});

describe.concurrent("a client id leased over Redis", () => {
  test("is never connected by two at once, nor by another within a second of its end", async () => {
    const prefix = newPrefix();
    const pacers = [open(prefix), open(prefix), open(prefix)];
    // A lease holds for the longest connection: this one may wait for its token.
    const patient = { ...holderTarget(), timeouts: { invokeMs: 1000, probeMs: 10_000 } };
    let connected = 0;
    let endedAtMs = Number.NEGATIVE_INFINITY;
    await Promise.all(
      pacers.map(async (pacer) => {
        const end = await pacer.connect(patient, "pump-1", NEVER);
        expect(connected++).toBe(0);
        expect(performance.now() - endedAtMs).toBeGreaterThanOrEqual(1000);
        await pacer.take(patient, INVOKE, NEVER);
        connected--;
        endedAtMs = performance.now();
        end();
      }),
    );
  });

  test("is known to be taken by all of them", async ({ expect }) => {
    const prefix = newPrefix();
    const [one, other] = [open(prefix), open(prefix)];
    const end = await one.connect(holderTarget(), "pump-1", NEVER);
    expect(await other.isConnecting(holderTarget(), "pump-1")).toBe(true);
    expect(await other.isConnecting(holderTarget(), "pump-2")).toBe(false);
    end();
    await expect.poll(() => other.isConnecting(holderTarget(), "pump-1"), { timeout: 5000 }).toBe(false);
  });

  test("is free soon after its connection, also where its holder ends at once", async ({ expect }) => {
    const prefix = newPrefix();
    const [one, other] = [open(prefix, redis.server, 600_000), open(prefix)];
    const end = await one.connect(holderTarget(), "pump-1", NEVER);
    end();
    await one[Symbol.asyncDispose]();
    expect(await other.isConnecting(holderTarget(), "pump-1")).toBe(true);
    await expect.poll(() => other.isConnecting(holderTarget(), "pump-1"), { timeout: 5000 }).toBe(false);
  });

  test("is renewed while it is held, and free again when its holder was killed", async () => {
    const prefix = newPrefix();
    const holder = spawn(process.execPath, [HOLDER, redis.url, prefix], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const closed = once(holder, "close");
    closes.push(async () => {
      holder.kill("SIGKILL");
      await closed;
    });
    await once(holder.stdout, "data");
    const other = open(prefix);
    // Longer than a lease.
    const early = AbortSignal.timeout(2500);
    await expect(other.connect(holderTarget(), "pump-1", early)).rejects.toThrow();
    holder.kill("SIGKILL");
    (await other.connect(holderTarget(), "pump-1", NEVER))();
  });

  test("who waited with it through an outage that outlived it takes it anew", async ({ expect }) => {
    const crashing = await TestRedis.start();
    closes.push(() => crashing.stop());
    const prefix = newPrefix();
    const [one, other] = [open(prefix, crashing.server), open(prefix, crashing.server)];
    const slow = { ...holderTarget(), budgets: { invokesPerSecond: 1, connectsPerSecond: 0.5, burst: 1 } };
    (await one.connect(slow, "pump-0", NEVER))();
    // It has the lease, and waits for a token.
    const waiting = one.connect(slow, "pump-1", NEVER);
    await expect.poll(() => other.isConnecting(slow, "pump-1")).toBe(true);
    await crashing.kill();
    await crashing.resume();
    const eraser = connectRedis(crashing.server, { whenDown: "wait", name: "eraser", onTrouble: () => {} });
    closes.push(() => eraser.disconnect());
    await eraser.flushall();
    const end = await waiting;
    await expect.poll(() => other.isConnecting(slow, "pump-1")).toBe(true);
    end();
  });
});

describe("the server's clock", () => {
  test("is known as well as the fastest answer allows, also after it was set", () => {
    const exchange = fc.record({
      outMs: fc.double({ min: 0, max: 80, noNaN: true }),
      backMs: fc.double({ min: 0, max: 80, noNaN: true }),
    });
    fc.assert(
      fc.property(
        fc.array(exchange, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: -1e9, max: 1e9 }),
        fc.array(exchange, { minLength: 1, maxLength: 20 }),
        fc.integer({ min: -1e6, max: 1e6 }),
        (first, offsetMs, second, setBy) => {
          const clock = new ServerClock();
          let now = 1000;
          const go = (exchanges: typeof first, ahead: number) => {
            for (const { outMs, backMs } of exchanges) {
              clock.saw(now + outMs + ahead, now, now + outMs + backMs);
              now += outMs + backMs;
              // A time of the server is never thought to be earlier than it is, nor later than this answer took.
              const late = clock.ours(now + ahead) - now;
              expect(late).toBeGreaterThanOrEqual(-1e-3);
              expect(late).toBeLessThanOrEqual(backMs + 1e-3 + (outMs + backMs) * 1e-4);
            }
          };
          go(first, offsetMs);
          // Set forward or back.
          const { outMs, backMs } = second[0] ?? { outMs: 0, backMs: 0 };
          clock.saw(now + outMs + offsetMs + setBy, now, now + outMs + backMs);
          now += outMs + backMs;
          const late = clock.ours(now + offsetMs + setBy) - now;
          expect(late).toBeGreaterThanOrEqual(-outMs - 1e-3);
          expect(late).toBeLessThanOrEqual(backMs + 1e-3);
        },
      ),
    );
  });
});
