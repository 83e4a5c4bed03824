import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ReadyTarget } from "../../src/model/target.ts";
import { createPacer, type PacerOptions, type RunPacer } from "../../src/run/pacer.ts";
import { createRedisPacer } from "../../src/run/redis/pacer.ts";
import { targetOf } from "../support/fixtures.ts";
import { TestRedis } from "../support/redis.ts";
import { busiestSecond } from "./sliding-second.ts";

const INVOKE = "TestInvokeAuthorizer";
const NEVER = new AbortController().signal;

let redis: TestRedis;
let accounts = 0;
const closes: (() => Promise<void>)[] = [];
beforeAll(async () => {
  redis = await TestRedis.start();
});
afterAll(async () => {
  await Promise.all(closes.map((close) => close()));
  await redis.stop();
});

/** An account of its own, as tests share the Redis. */
function target(invokesPerSecond: number, burst = 1): ReadyTarget {
  const accountId = `${100_000_000_000 + accounts++}`;
  return targetOf({ accountId, budgets: { invokesPerSecond, connectsPerSecond: 1000, burst } });
}

const PACERS: readonly (readonly [string, (options?: Partial<PacerOptions>) => RunPacer])[] = [
  ["in one process", (options = {}) => createPacer(options)],
  [
    "over Redis",
    (options = {}) => {
      const server = redis.server;
      const pacer = createRedisPacer({ ...options, server, prefix: "contract", onTrouble: () => {} });
      closes.push(async () => pacer[Symbol.asyncDispose]());
      return pacer;
    },
  ],
];

// Side by side, as they mostly wait.
describe.concurrent.each(PACERS)("pacing %s", (_, create) => {
  test("lets through no more than limit and burst in any sliding second", async () => {
    const [pacer, here] = [create(), target(200)];
    const usedAtMs: number[] = [];
    await Promise.all(
      Array.from({ length: 450 }, async () => {
        await pacer.take(here, INVOKE, NEVER);
        usedAtMs.push(performance.now());
      }),
    );
    expect(busiestSecond(usedAtMs)).toBeLessThanOrEqual(201);
  });

  test("serves in the order of arrival", async () => {
    const [pacer, here] = [create(), target(50)];
    const order: number[] = [];
    await Promise.all(
      Array.from({ length: 10 }, (_each, i) => pacer.take(here, INVOKE, NEVER).then(() => order.push(i))),
    );
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("who gives up gets the signal's reason, and the others go on", async () => {
    const [pacer, here] = [create(), target(2)];
    await pacer.take(here, INVOKE, NEVER);
    const stop = new AbortController();
    const aborted = [1, 2, 3].map(() => pacer.take(here, INVOKE, stop.signal));
    const stays = pacer.take(here, INVOKE, NEVER);
    stop.abort(new Error("enough"));
    for (const each of aborted) await expect(each).rejects.toThrow("enough");
    await stays;
    await expect(pacer.take(here, INVOKE, stop.signal)).rejects.toThrow("enough");
  });

  test("one client id rests for a second after each connection, another does not wait for it", async () => {
    const [pacer, here] = [create(), target(10)];
    const end = await pacer.connect(here, "pump-1", NEVER);
    expect(await pacer.isConnecting(here, "pump-1")).toBe(true);
    expect(await pacer.isConnecting(here, "pump-2")).toBe(false);
    (await pacer.connect(here, "pump-2", NEVER))();
    const endedAtMs = performance.now();
    end();
    (await pacer.connect(here, "pump-1", NEVER))();
    expect(performance.now() - endedAtMs).toBeGreaterThanOrEqual(1000);
  });

  test("who gives up waiting for a client id leaves its turn to the next", async () => {
    const [pacer, here] = [create(), target(10)];
    const end = await pacer.connect(here, "pump-1", NEVER);
    const stop = new AbortController();
    const aborted = pacer.connect(here, "pump-1", stop.signal);
    const next = pacer.connect(here, "pump-1", NEVER);
    stop.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    end();
    (await next)();
  });

  test("a throttled call slows its operation down, and no other", async () => {
    const [pacer, here] = [create({ random: () => 1 }), target(100)];
    await pacer.take(here, INVOKE, NEVER);
    await pacer.take(here, "DescribeEndpoint", NEVER);
    pacer.throttled(here, INVOKE);
    const order: string[] = [];
    await Promise.all(
      [INVOKE, "DescribeEndpoint"].map((each) => pacer.take(here, each, NEVER).then(() => order.push(each))),
    );
    expect(order).toEqual(["DescribeEndpoint", INVOKE]);
  });
});
