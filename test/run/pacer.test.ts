import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import { ClientTurns } from "../../src/run/client-turns.ts";
import { createPacer } from "../../src/run/pacer.ts";
import { PauseSwitch } from "../../src/run/pause.ts";
import { TokenBucket } from "../../src/run/token-bucket.ts";
import { targetOf } from "../support/fixtures.ts";
import { SimulatedTiming } from "../support/simulated-timing.ts";
import { busiestSecond } from "./sliding-second.ts";

const INVOKE = "TestInvokeAuthorizer";
const NEVER = new AbortController().signal;

function target(invokesPerSecond: number, changes: Partial<ReadyTarget> = {}): ReadyTarget {
  return targetOf({ budgets: { invokesPerSecond, connectsPerSecond: 1000, burst: 1 }, ...changes });
}

/** Notes when each call that was let through began. */
function calls(timing: SimulatedTiming) {
  const startedAtMs: number[] = [];
  return { startedAtMs, note: () => void startedAtMs.push(timing.now()) };
}

describe("budget", () => {
  test("a burst of one spaces calls evenly, a little under the limit", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 20; i++) void pacer.take(target(10), INVOKE, NEVER).then(note);
    await timing.runTo(5000);
    expect(startedAtMs).toHaveLength(20);
    const gaps = startedAtMs.slice(1).map((at, i) => at - (startedAtMs[i] ?? 0));
    for (const gap of gaps) expect(gap).toBeGreaterThanOrEqual(1000 / 10 - 1e-6);
    expect(startedAtMs.at(-1)).toBeLessThanOrEqual((19 * 1000) / 9.8 + 1e-6);
  });

  test("late timers do not slow it down by more than the headroom can hold", async () => {
    const timing = new SimulatedTiming(() => 1);
    const pacer = createPacer({ timing });
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 101; i++) void pacer.take(target(10), INVOKE, NEVER).then(note);
    await timing.runTo(60_000);
    expect(startedAtMs.at(-1)).toBeLessThan(100 * (1000 / 9.8) + 2);
  });

  test.each([10, 200])(
    "at %i a second, timers that come late now and then cost next to nothing",
    async (perSecond) => {
      let timers = 0;
      const timing = new SimulatedTiming(() => (timers++ % 7 === 0 ? 9 : 0.7));
      const bucket = new TokenBucket({ perSecond, burst: 1 }, timing);
      const { startedAtMs, note } = calls(timing);
      for (let i = 0; i < perSecond * 20; i++) void bucket.take(NEVER).then(note);
      await timing.runTo(10_000);
      expect(startedAtMs.length).toBeGreaterThanOrEqual(perSecond * 10 * 0.97);
      expect(busiestSecond(startedAtMs)).toBeLessThanOrEqual(perSecond + 1);
      await timing.runTo(60_000);
    },
  );

  test("a busy process does not hoard tokens: each is used before the next is given out", async () => {
    const timing = new SimulatedTiming();
    const bucket = new TokenBucket({ perSecond: 10, burst: 4 }, timing);
    const { startedAtMs, note } = calls(timing);
    // Each of them keeps the process busy while the others wait.
    for (let i = 0; i < 6; i++)
      void bucket
        .take(NEVER)
        .then(note)
        .then(() => timing.stall(200));
    await Promise.resolve();
    await Promise.resolve();
    expect(startedAtMs).toEqual([0]);
    await timing.runTo(2000);
    expect(startedAtMs).toEqual([0, 200, 400, 600, 800, 1000]);
    expect(timing.timers).toBe(0);
  });

  test("a high limit is not held down by the millisecond of a timer", async () => {
    const timing = new SimulatedTiming(() => 1);
    const pacer = createPacer({ timing });
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 2000; i++) void pacer.take(target(100_000), INVOKE, NEVER).then(note);
    await timing.runTo(60_000);
    expect(startedAtMs).toHaveLength(2000);
    expect(startedAtMs.at(-1)).toBeLessThan(100);
  });

  // The second range is where several tokens share a tick of the timer. Enough come at once to keep either busy.
  test.each([
    ["evenly spaced", { min: 1, max: 60 }, 200],
    ["faster than timers tick", { min: 250, max: 400 }, 900],
  ])(
    "in no sliding second it lets through more than limit and burst: %s",
    async (_, rates, arrivalsAtMost) => {
      await fc.assert(
        fc.asyncProperty(
          fc.record({
            perSecond: fc.integer(rates),
            burst: fc.integer({ min: 1, max: 20 }),
            atOnce: fc.nat(arrivalsAtMost),
            arrivals: fc.array(fc.nat(3000), { minLength: 1, maxLength: 50 }),
            lateness: fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { minLength: 1, maxLength: 7 }),
          }),
          async ({ perSecond, burst, atOnce, arrivals, lateness }) => {
            let timers = 0;
            const timing = new SimulatedTiming(() => lateness[timers++ % lateness.length] ?? 0);
            const bucket = new TokenBucket({ perSecond, burst }, timing);
            const { startedAtMs, note } = calls(timing);
            for (let i = 0; i < atOnce; i++) void bucket.take(NEVER).then(note);
            for (const atMs of [...arrivals].sort((a, b) => a - b)) {
              await timing.runTo(atMs);
              void bucket.take(NEVER).then(note);
            }
            await timing.runTo(1e9);
            expect(startedAtMs).toHaveLength(atOnce + arrivals.length);
            expect(busiestSecond(startedAtMs)).toBeLessThanOrEqual(perSecond + burst);
            expect(timing.timers).toBe(0);
          },
        ),
        { numRuns: 40 },
      );
    },
  );

  test.each([
    [10, 1],
    [50, 5],
    [300, 1],
    [3000, 100],
  ])("a queue that never ends stays within %i a second and a burst of %i", async (perSecond, burst) => {
    const timing = new SimulatedTiming(() => 2);
    const bucket = new TokenBucket({ perSecond, burst }, timing);
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < perSecond * 3; i++) void bucket.take(NEVER).then(note);
    await timing.runTo(3500);
    expect(busiestSecond(startedAtMs)).toBeLessThanOrEqual(perSecond + burst);
    expect(startedAtMs.length).toBeGreaterThan(perSecond * 2.5);
  });

  test("an idle bucket gives its burst at once, and then its rate", async () => {
    const timing = new SimulatedTiming();
    const bucket = new TokenBucket({ perSecond: 10, burst: 5 }, timing);
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 7; i++) void bucket.take(NEVER).then(note);
    await timing.runTo(0);
    expect(startedAtMs).toEqual([0, 0, 0, 0, 0]);
    await timing.runTo(1000);
    expect(startedAtMs).toHaveLength(7);
  });

  test("two targets of one account and Region share a bucket, and the lower limit holds", async () => {
    const timing = new SimulatedTiming();
    const [fast, slow] = [target(100, { name: "fast" }), target(2, { name: "slow" })];
    const used: string[] = [];
    const pacer = createPacer({ timing, targets: [fast, slow], onUsed: (each) => used.push(each.target) });
    for (let i = 0; i < 6; i++) void pacer.take(i % 2 === 0 ? fast : slow, INVOKE, NEVER);
    await timing.runTo(1000);
    expect(used).toEqual(["fast", "slow"]);
    await timing.runTo(5000);
    expect(used).toEqual(["fast", "slow", "fast", "slow", "fast", "slow"]);
  });

  test.each([
    ["account", { accountId: "210987654321" }],
    ["Region", { region: "us-east-1" }],
    ["partition", { partition: "aws-cn" }],
  ] as const)("another %s has a bucket of its own", async (_, elsewhere) => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const { startedAtMs, note } = calls(timing);
    void pacer.take(target(1), INVOKE, NEVER).then(note);
    void pacer.take(target(1, elsewhere), INVOKE, NEVER).then(note);
    await timing.runTo(0);
    expect(startedAtMs).toEqual([0, 0]);
  });

  test("each operation has a bucket of its own; those without a budget take 10 a second", async () => {
    const timing = new SimulatedTiming();
    const used: string[] = [];
    const pacer = createPacer({ timing, onUsed: ({ operation }) => used.push(operation) });
    for (let i = 0; i < 3; i++) {
      for (const each of [INVOKE, "DescribeEndpoint", "ListDomainConfigurations"]) {
        void pacer.take(target(1), each, NEVER);
      }
    }
    await timing.runTo(250);
    expect(used.filter((each) => each === INVOKE)).toHaveLength(1);
    expect(used.filter((each) => each === "DescribeEndpoint")).toHaveLength(3);
    expect(used.filter((each) => each === "ListDomainConfigurations")).toHaveLength(3);
    await timing.runTo(10_000);
  });

  test("waiters are served in the order of their arrival", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const order: number[] = [];
    for (let i = 0; i < 10; i++) void pacer.take(target(10), INVOKE, NEVER).then(() => order.push(i));
    await timing.runTo(5000);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("who is aborted while waiting loses no token and strands nobody", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const { startedAtMs, note } = calls(timing);
    const stop = new AbortController();
    void pacer.take(target(1), INVOKE, NEVER).then(note);
    const aborted = [1, 2, 3].map(() => pacer.take(target(1), INVOKE, stop.signal));
    void pacer.take(target(1), INVOKE, NEVER).then(note);
    await timing.runTo(500);
    stop.abort(new Error("enough"));
    for (const each of aborted) await expect(each).rejects.toThrow("enough");
    await timing.runTo(1021);
    expect(startedAtMs).toHaveLength(2);
    expect(timing.timers).toBe(0);
  });

  test("when the last waiter is aborted no timer stays behind", async () => {
    const pacer = createPacer({});
    const stop = new AbortController();
    await pacer.take(target(0.001), INVOKE, NEVER);
    const waiting = pacer.take(target(0.001), INVOKE, stop.signal);
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    await expect(pacer.take(target(0.001), INVOKE, stop.signal)).rejects.toThrow("enough");
  });

  test("a throttled call holds the bucket, not others, for a moment", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing, random: () => 0.5 });
    const { startedAtMs, note } = calls(timing);
    await pacer.take(target(10), INVOKE, NEVER);
    void pacer.take(target(10), INVOKE, NEVER).then(note);
    pacer.throttled(target(10), INVOKE);
    void pacer.take(target(10), "DescribeEndpoint", NEVER).then(note);
    await timing.runTo(349);
    expect(startedAtMs).toEqual([0]);
    await timing.runTo(351);
    expect(startedAtMs).toEqual([0, 350]);
  });
});

describe("a limit that somebody else spends too", () => {
  test("is cut to half by a throttled call, and regained within ten seconds", async () => {
    const timing = new SimulatedTiming();
    const bucket = new TokenBucket({ perSecond: 10, burst: 1 }, timing);
    bucket.throttled(0);
    bucket.throttled(0);
    expect(bucket.perSecond).toBe(5);
    await timing.runTo(2000);
    expect(bucket.perSecond).toBeCloseTo(6);
    bucket.throttled(0);
    expect(bucket.perSecond).toBeCloseTo(3);
    await timing.runTo(20_000);
    expect(bucket.perSecond).toBe(10);
    for (let i = 0; i < 50; i++) {
      bucket.throttled(0);
      await timing.runTo(timing.now() + 1000);
    }
    expect(bucket.perSecond).toBeGreaterThanOrEqual(0.5);
  });

  test("when it is regained, a burst that was owed at the low rate is not waited for", async () => {
    const timing = new SimulatedTiming();
    const bucket = new TokenBucket({ perSecond: 10, burst: 1000 }, timing);
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 10; i++) {
      bucket.throttled(0);
      await timing.runTo(timing.now() + 1001);
    }
    const lowMs = timing.now();
    for (let i = 0; i < 200; i++) void bucket.take(NEVER).then(note);
    await timing.runTo(lowMs + 30_000);
    expect(startedAtMs.length).toBeGreaterThan(180);
    await timing.runTo(lowMs + 60_000);
    expect(startedAtMs).toHaveLength(200);
  });

  test("a lower burst leaves nobody to pay off the former one", async () => {
    const timing = new SimulatedTiming();
    const bucket = new TokenBucket({ perSecond: 10, burst: 1000 }, timing);
    const { startedAtMs, note } = calls(timing);
    bucket.throttled(0);
    bucket.set({ perSecond: 10, burst: 1 });
    void bucket.take(NEVER).then(note);
    await timing.runTo(1000);
    expect(startedAtMs).toHaveLength(1);
  });

  test("is shared: most of what others leave is used, and few calls are throttled", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing, random: () => 0.5 });
    const granted: number[] = [];
    let throttled = 0;
    // Others leave 6 of 10 calls a second, counted in sliding seconds.
    const call = async (): Promise<void> => {
      for (;;) {
        await pacer.take(target(10), INVOKE, NEVER);
        if (granted.filter((at) => at > timing.now() - 1000).length < 6) granted.push(timing.now());
        else {
          throttled++;
          pacer.throttled(target(10), INVOKE);
        }
      }
    };
    void call();
    await timing.runTo(100_000);
    expect(granted.length).toBeGreaterThan(100 * 6 * 0.6);
    expect(throttled).toBeLessThan(granted.length / 10);
  });
});

describe("gateway connections", () => {
  const here = targetOf({ budgets: { invokesPerSecond: 10, connectsPerSecond: 1000, burst: 100 } });

  test("one client id never connects twice at once, nor within a second of its last end", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const { startedAtMs, note } = calls(timing);
    const end = await pacer.connect(here, "pump-1", NEVER);
    const second = pacer.connect(here, "pump-1", NEVER);
    const third = pacer.connect(here, "pump-1", NEVER);
    void second.then(note);
    void third.then(note);
    await timing.runTo(5000);
    expect(startedAtMs).toEqual([]);
    end();
    await timing.runTo(6049);
    expect(startedAtMs).toEqual([]);
    await timing.runTo(6051);
    expect(startedAtMs).toEqual([6050]);
    (await second)();
    await timing.runTo(20_000);
    expect(startedAtMs).toHaveLength(2);
    expect((startedAtMs[1] ?? 0) - (startedAtMs[0] ?? 0)).toBeGreaterThanOrEqual(1050);
    (await third)();
  });

  test("other client ids and other accounts do not wait for it", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const { startedAtMs, note } = calls(timing);
    await pacer.connect(here, "pump-1", NEVER);
    void pacer.connect(here, "pump-2", NEVER).then(note);
    void pacer.connect({ ...here, accountId: "210987654321" }, "pump-1", NEVER).then(note);
    await timing.runTo(10);
    expect(startedAtMs).toHaveLength(2);
  });

  test("the account's connects are paced, also without a client id", async () => {
    const timing = new SimulatedTiming();
    const used: string[] = [];
    const pacer = createPacer({ timing, onUsed: ({ operation }) => used.push(operation) });
    const slow = targetOf({ budgets: { invokesPerSecond: 10, connectsPerSecond: 2, burst: 1 } });
    for (let i = 0; i < 10; i++) void pacer.connect(slow, i % 2 === 0 ? null : `pump-${i}`, NEVER);
    await timing.runTo(1100);
    expect(used).toEqual(["Connect", "Connect", "Connect"]);
    await timing.runTo(10_000);
  });

  test("ending a connection twice gives only one turn away", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const { startedAtMs, note } = calls(timing);
    const end = await pacer.connect(here, "pump-1", NEVER);
    for (let i = 0; i < 2; i++) void pacer.connect(here, "pump-1", NEVER).then(note);
    end();
    end();
    await timing.runTo(10_000);
    expect(startedAtMs).toHaveLength(1);
  });

  test.each(["in line", "at rest", "for a token"])("who is aborted %s gives the turn on", async (where) => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    const lean = targetOf({ budgets: { invokesPerSecond: 10, connectsPerSecond: 0.1, burst: 1 } });
    const stop = new AbortController();
    const end = await pacer.connect(lean, "pump-1", NEVER);
    const aborted = pacer.connect(lean, "pump-1", stop.signal);
    const next = pacer.connect(lean, "pump-1", NEVER);
    if (where !== "in line") end();
    await timing.runTo(where === "for a token" ? 2000 : 500);
    stop.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    if (where === "in line") end();
    await timing.runTo(100_000);
    (await next)();
    expect(timing.timers).toBe(0);
  });

  test("with real timers it waits out the second and leaves no timer behind", async () => {
    const pacer = createPacer({});
    const startedAtMs = performance.now();
    (await pacer.connect(here, "pump-1", NEVER))();
    (await pacer.connect(here, "pump-1", NEVER))();
    expect(performance.now() - startedAtMs).toBeGreaterThanOrEqual(1000);
  });

  test("client ids long gone are forgotten", async () => {
    const timing = new SimulatedTiming();
    const turns = new ClientTurns(timing);
    for (let i = 0; i < 2000; i++) {
      await turns.take(`pump-${i}`, 1000, NEVER);
      turns.end(`pump-${i}`);
      if (i % 100 === 0) await timing.runTo(timing.now() + 1000);
    }
    expect(turns.size).toBeLessThanOrEqual(201);
  });

  test("whatever the order of ends and aborts, nobody is stranded and no two overlap", async () => {
    const step = fc.record({ id: fc.nat(2), holdMs: fc.nat(3000), abortMs: fc.option(fc.nat(6000)) });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
        const timing = new SimulatedTiming();
        const pacer = createPacer({ timing });
        const open = new Set<number>();
        const endedAtMs = new Map<number, number>();
        const jobs = steps.map(async ({ id, holdMs, abortMs }) => {
          const stop = new AbortController();
          const cancel = abortMs === null ? () => {} : timing.after(abortMs, () => stop.abort());
          const end = await pacer.connect(here, `${id}`, stop.signal).catch(() => null);
          cancel();
          if (end === null) return;
          expect(open.has(id)).toBe(false);
          expect(timing.now() - (endedAtMs.get(id) ?? -Infinity)).toBeGreaterThanOrEqual(1000);
          open.add(id);
          await new Promise<void>((resolve) => timing.after(holdMs, resolve));
          open.delete(id);
          endedAtMs.set(id, timing.now());
          end();
        });
        await timing.runTo(1e7);
        await Promise.all(jobs);
        expect(timing.timers).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

describe("a pause", () => {
  function pausing() {
    const kept = new Map<string, string>();
    const store = {
      flag: (name: string) => kept.get(name) ?? null,
      setFlag: (name: string, value: string | null) =>
        void (value === null ? kept.delete(name) : kept.set(name, value)),
    };
    const states: boolean[] = [];
    const open = () => new PauseSwitch(store, createLog("silent"), (isPaused) => states.push(isPaused));
    return { open, states };
  }

  test("lets nothing through, and afterwards what waited goes by the budget", async () => {
    const timing = new SimulatedTiming();
    const pause = pausing().open();
    const pacer = createPacer({ timing, pause });
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 20; i++) void pacer.take(target(10), INVOKE, NEVER).then(note);
    void pacer.connect(target(10), "a", NEVER).then(note);
    await timing.runTo(500);
    const before = startedAtMs.length;
    expect(before).toBeLessThan(8);
    pause.pause("ops", "");
    await timing.runTo(60_000);
    expect(startedAtMs).toHaveLength(before);
    pause.resume();
    await timing.runTo(120_000);
    expect(startedAtMs).toHaveLength(21);
    const gaps = startedAtMs.slice(before + 1).map((at, i) => at - (startedAtMs[before + i] ?? 0));
    expect(Math.min(...gaps)).toBeGreaterThanOrEqual(1000 / 10 - 1e-6);
  });

  test("ends for who gives up, and forgets nobody when it begins again at once", async () => {
    const timing = new SimulatedTiming();
    const { open, states } = pausing();
    const pause = open();
    const pacer = createPacer({ timing, pause });
    pause.pause("ops", "first");
    const gone = new AbortController();
    const left = pacer.take(target(10), INVOKE, gone.signal);
    const { startedAtMs, note } = calls(timing);
    void pacer.take(target(10), INVOKE, NEVER).then(note);
    gone.abort(new Error("gone"));
    await expect(left).rejects.toThrow("gone");
    pause.resume();
    pause.pause("ops", "second");
    await timing.runTo(1000);
    expect(startedAtMs).toEqual([]);
    expect(open().paused()).toMatchObject({ actor: "ops", reason: "second" });
    pause.resume();
    await timing.runTo(2000);
    expect(startedAtMs).toHaveLength(1);
    expect(open().paused()).toBeNull();
    expect(states).toEqual([false, true, false, true, true, false, false]);
  });
});

describe("other targets", () => {
  test("bring their limits, also higher ones, to those who wait", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing, targets: [target(1)] });
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 30; i++) void pacer.take(target(1), INVOKE, NEVER).then(note);
    await timing.runTo(2500);
    expect(startedAtMs).toHaveLength(3);
    pacer.setTargets([target(20), target(10)]);
    await timing.runTo(4500);
    expect(startedAtMs.length).toBeGreaterThan(15);
    expect(startedAtMs.length).toBeLessThan(25);
  });
});

describe("the account's own limits", () => {
  const NONE = { invokesPerSecond: null, connectsPerSecond: null };

  test("hold where they are lower, also for those who wait, for every target of the account and after a reload", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing, targets: [target(100)] });
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 500; i++) void pacer.take(target(100), INVOKE, NEVER).then(note);
    await timing.runTo(1000);
    const before = startedAtMs.length;
    expect(before).toBeGreaterThan(90);
    pacer.setAccountLimits(target(100), { ...NONE, invokesPerSecond: 10 });
    await timing.runTo(3000);
    pacer.setTargets([target(100, { name: "twin" })]);
    await timing.runTo(5000);
    expect(startedAtMs.length - before).toBeLessThanOrEqual(41);
    expect(startedAtMs.length - before).toBeGreaterThan(35);
    pacer.setAccountLimits(target(100), NONE);
    await timing.runTo(6000);
    expect(startedAtMs.length - before).toBeGreaterThan(100);
  });

  test("that are higher change nothing", async () => {
    const timing = new SimulatedTiming();
    const pacer = createPacer({ timing });
    pacer.setAccountLimits(target(10), { invokesPerSecond: 1000, connectsPerSecond: 1000 });
    const { startedAtMs, note } = calls(timing);
    for (let i = 0; i < 50; i++) void pacer.take(target(10), INVOKE, NEVER).then(note);
    await timing.runTo(2000);
    expect(startedAtMs.length).toBeLessThanOrEqual(21);
  });
});
