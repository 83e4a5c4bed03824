import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { deadline, isTrusted, watchDelay } from "../../src/lib/loop-delay.ts";

function standStill(ms: number): void {
  const untilMs = performance.now() + ms;
  while (performance.now() < untilMs);
}

describe("watchDelay", () => {
  it("knows of a stall while it goes on, and after it", async () => {
    const watch = watchDelay();
    standStill(100);
    expect(watch.worstMs()).toBeGreaterThanOrEqual(100);
    await sleep(20);
    expect(watch.worstMs()).toBeGreaterThanOrEqual(100);
    watch.stop();
  });

  it("adds stalls up, and knows the worst", async () => {
    const watch = watchDelay();
    standStill(100);
    await sleep(20);
    standStill(150);
    await sleep(20);
    expect(watch.stalledMs()).toBeGreaterThanOrEqual(250);
    expect(watch.worstMs()).toBeGreaterThanOrEqual(150);
    watch.stop();
  });

  it("counts only what came after its beginning", () => {
    const earlier = watchDelay();
    standStill(200);
    const watch = watchDelay();
    standStill(20);
    expect(watch.worstMs()).toBeLessThanOrEqual(earlier.worstMs() - 200);
    earlier.stop();
    watch.stop();
  });
});

describe("isTrusted", () => {
  it.each([
    [5, 10, true],
    [5, 10.1, false],
    [300, 30, true],
    [300, 31, false],
  ])("%d ms of which %d may be ours: %s", (tookMs, delayMs, expected) => {
    expect(isTrusted(tookMs, delayMs)).toBe(expected);
  });
});

describe("deadline", () => {
  it("comes", async () => {
    await new Promise((over) => deadline(5, over));
  });

  it("lets everything that was ready meanwhile go first when the loop stood still", async () => {
    const order: string[] = [];
    const over = new Promise<void>((resolve) => {
      deadline(50, () => {
        order.push("over");
        resolve();
      });
    });
    standStill(200);
    setImmediate(() => order.push("read"));
    await over;
    expect(order).toEqual(["read", "over"]);
  });

  it("does not come once it is called off, also while time is given back", async () => {
    let isOver = false;
    const cancel = deadline(30, () => {
      isOver = true;
    });
    standStill(100);
    await sleep(5);
    cancel();
    await sleep(100);
    expect(isOver).toBe(false);
  });
});
