import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { ProgressCounts } from "../../src/report/pace.ts";
import { createProgress, type ProgressOptions } from "../../src/report/progress.ts";
import { widthOf } from "../../src/report/text.ts";

const ERASE = "\r\u001b[K";

let counts: ProgressCounts;
let written: string[];

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval", "performance"] });
  counts = { planned: 1000, checks: 0, pass: 0, fail: 0, inconclusive: 0 };
  written = [];
});

afterEach(() => {
  vi.useRealTimers();
});

function progressOn(where: { isTTY: boolean; columns?: number }, options: Partial<ProgressOptions> = {}) {
  const out = { ...where, write: (text: string) => written.push(text) };
  return createProgress(out, { counts: () => counts, color: false, ...options });
}

function reach(checks: number, afterMs: number): void {
  counts = { ...counts, checks, pass: checks };
  vi.advanceTimersByTime(afterMs);
}

/** What a person sees at the end: each redraw replaces the line. */
function lastLine(): string {
  return written.at(-1)?.replace(ERASE, "").trimEnd() ?? "";
}

describe("on a terminal", () => {
  it("redraws one line with bar, done, rate, remaining time and verdicts", () => {
    const progress = progressOn({ isTTY: true, columns: 90 }, { label: "pre-rollout" });
    progress.start();
    counts = { ...counts, fail: 10, inconclusive: 3 };
    reach(250, 10_000);
    expect(lastLine()).toBe(
      "pre-rollout  ███░░░░░░░░░░░░    250/1,000   25%  25/s    ETA 30 s   ✔ 250    ✘ 10     ? 3",
    );
    progress.stop();
    expect(written.every((text) => text.startsWith(ERASE))).toBe(true);
    expect(written.filter((text) => text.endsWith("\n"))).toHaveLength(1);
  });

  it("tells of derived checks once there are some", () => {
    const progress = progressOn({ isTTY: true, columns: 100 });
    progress.start();
    reach(1000, 10_000);
    expect(lastLine()).not.toContain("derived");
    counts = { ...counts, derived: 4 };
    reach(1000, 1000);
    expect(lastLine()).toContain("+4 derived");
    progress.stop();
  });

  it("stops once, with the last counts, and draws nothing afterwards", () => {
    const progress = progressOn({ isTTY: true });
    progress.start();
    reach(999, 1000);
    counts = { ...counts, checks: 1000, pass: 1000 };
    progress.stop();
    expect(lastLine()).toContain("1,000/1,000  100%");
    const drawn = written.length;
    progress.stop();
    vi.advanceTimersByTime(60_000);
    expect(written).toHaveLength(drawn);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("keeps the bar where it is while the numbers grow", () => {
    const progress = progressOn({ isTTY: true, columns: 100 });
    progress.start();
    const widths = new Set<number>();
    for (const checks of [1, 37, 500, 999]) {
      reach(checks, 1000);
      widths.add(lastLine().match(/[█░]/g)?.length ?? 0);
    }
    progress.stop();
    expect(widths.size).toBe(1);
  });

  it.each([200, 80, 60, 45, 30, 20])("stays on one line of %d columns", (columns) => {
    const progress = progressOn({ isTTY: true, columns }, { label: "a suite with a long name" });
    progress.start();
    for (const checks of [1, 500, 1000]) {
      reach(checks, 3000);
      expect(widthOf(lastLine())).toBeLessThan(columns);
      expect(lastLine()).toContain(checks.toLocaleString("en-US"));
    }
    progress.stop();
  });

  it("colours only when asked, and shows a hostile label as text", () => {
    const colored = progressOn({ isTTY: true }, { color: true, label: "\u001b[2J\n" });
    colored.start();
    colored.stop();
    expect(written.join("")).toContain("\u001b[32m");
    expect(written.join("")).not.toContain("\u001b[2J");
    written = [];
    const plain = progressOn({ isTTY: true }, { unicode: false });
    plain.start();
    plain.stop();
    expect(written.join("").replaceAll(ERASE, "")).toMatch(/^[\x20-\x7e\n]*$/);
  });
});

describe("elsewhere", () => {
  it("writes a line every 10 percent", () => {
    const progress = progressOn({ isTTY: false }, { label: "pre-rollout" });
    progress.start();
    for (let checks = 10; checks <= 1000; checks += 10) reach(checks, 100);
    progress.stop();
    expect(written).toHaveLength(11);
    expect(written[1]).toBe(
      "pre-rollout: 100/1,000 (10%), 100/s, ETA 9.0 s, 100 pass, 0 fail, 0 inconclusive\n",
    );
    expect(written.at(-1)).toContain("1,000/1,000 (100%)");
  });

  it("tells the rate of late, of the time after planning", () => {
    const progress = progressOn({ isTTY: false });
    progress.start();
    vi.advanceTimersByTime(60_000);
    for (let second = 1; second <= 4; second += 1) reach(second * 50, 1000);
    expect(written.at(-1)).toMatch(/^200\/1,000 \(20%\), [56]\d\/s, ETA 1\d s/);
    for (let second = 1; second <= 40; second += 1) reach(200 + second * 10, 1000);
    expect(written.at(-1)).toMatch(/^600\/1,000 \(60%\), 10\/s, ETA 4\d s/);
    progress.stop();
  });

  it("writes a line every 5 seconds of a slow run", () => {
    const progress = progressOn({ isTTY: false });
    progress.start();
    for (let second = 1; second <= 20; second += 1) reach(second, 1000);
    progress.stop();
    expect(written).toHaveLength(5);
    expect(written.join("")).not.toContain("\u001b");
  });

  it("ends with the end, without saying it twice", () => {
    const progress = progressOn({ isTTY: false });
    progress.start();
    reach(1000, 100);
    progress.stop();
    expect(written.filter((line) => line.includes("1,000/1,000"))).toHaveLength(1);
  });

  it("says nothing of a rate before it knows one, nor divides by nothing", () => {
    counts = { ...counts, planned: 0 };
    const progress = progressOn({ isTTY: false });
    progress.start();
    progress.stop();
    expect(written).toEqual(["0/0 (0%), 0 pass, 0 fail, 0 inconclusive\n"]);
  });
});
