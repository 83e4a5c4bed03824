import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import type { Check } from "../../src/model/check.ts";
import type { Run } from "../../src/run/run.ts";
import { Runs } from "../../src/run/runs.ts";
import type { History } from "../../src/store/history.ts";
import { checkOf } from "../support/fixtures.ts";
import { ALL, type Options, openTemporary, runOf } from "./run-parts.ts";

describe("a run", () => {
  it("ends with a decision when every check is done", async () => {
    const summary = await runOf().run.execute();
    expect(summary).toMatchObject({
      status: "finished",
      decision: "go",
      notes: [],
      counts: { planned: 3, checks: 3, pass: 3, notRun: 0 },
    });
  });

  it("that is stopped counts the rest as not run, is interrupted and never go", async () => {
    const { run, results } = runOf({
      checks: 50,
      before: (check, self) => {
        if (check.seq === 4) self.stop("INTERRUPTED");
      },
    });
    const { status, decision, counts, notes } = await run.execute();
    expect({ status, decision }).toEqual({ status: "interrupted", decision: "inconclusive" });
    expect(counts.pass).toBe(results.length);
    expect(counts.pass + counts.notRun).toBe(50);
    expect(notes).toEqual(["the run was interrupted before every check was run"]);
  });

  it("that reaches its deadline is finished and inconclusive, and says so", async () => {
    const summary = await runOf({
      checks: 3,
      suite: { deadlineMs: 1 },
      before: (_, self) => expect.poll(() => self.summary().durationSeconds).toBeGreaterThan(0.01),
    }).run.execute();
    expect(summary).toMatchObject({ status: "finished", decision: "inconclusive" });
    expect(summary.notes).toEqual(["the deadline was reached before every check was run"]);
  });

  it.each([
    [
      "interrupted",
      (run: Run) => run.stop("INTERRUPTED"),
      "the run was interrupted before every check was run",
    ],
    ["cancelled", (run: Run) => run.cancel(), "the run was cancelled"],
  ])(
    "that is %s while it still reads its sources is that, and selected not nothing",
    async (status, end, note) => {
      const { run } = runOf({
        prepare: (signal) =>
          new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason))),
      });
      const ended = run.execute();
      end(run);
      expect(await ended).toMatchObject({
        status,
        decision: "inconclusive",
        reason: note,
        notes: [note],
        gate: { nothingSelected: false },
      });
    },
  );

  it("whose sources cannot be read says so, not that nothing was selected", async () => {
    const summary = await runOf({ prepare: () => Promise.reject(new Error("no such file")) }).run.execute();
    expect(summary).toMatchObject({
      status: "finished",
      decision: "inconclusive",
      reason: "no such file",
      gate: { nothingSelected: false },
    });
  });

  it("that was stopped when all was done is what it was", async () => {
    const { run } = runOf({
      checks: 1,
      before: (_, self) => self.stop("INTERRUPTED"),
    });
    expect(await run.execute()).toMatchObject({ status: "finished", decision: "go", notes: [] });
  });

  it("whose source cannot be read is inconclusive and says why", async () => {
    async function* failing(): AsyncGenerator<Check> {
      yield checkOf({}, {});
      throw new Error("fleet.ndjson changed");
    }
    const summary = await runOf({ plan: { checks: failing() } }).run.execute();
    expect(summary).toMatchObject({ decision: "inconclusive", counts: { pass: 1, notRun: 2 } });
    expect(summary.notes).toEqual(["fleet.ndjson changed"]);
  });

  it("counts what its suite expects beyond what the sources hold as missing", async () => {
    const summary = await runOf({ suite: { expected: { pumps: 4, valves: 1 } } }).run.execute();
    expect(summary.decision).toBe("inconclusive");
    expect(summary.groups.map(({ cohort, expected, pass }) => [cohort, expected, pass])).toEqual([
      ["valves", 1, 0],
      ["pumps", 4, 3],
    ]);
  });
});

it("a run misses a cohort that has a gate of its own and no device", async () => {
  const suite = { cohortGates: { brakes: { minPassRatio: 1 } } };
  const summary = await runOf({ suite }).run.execute();
  expect(summary.decision).toBe("inconclusive");
  expect(summary.reason).toContain("brakes");
});

describe("the daemon's runs", () => {
  let history: History;
  beforeEach(() => {
    history = openTemporary();
  });
  afterEach(() => history[Symbol.dispose]());

  function runs(options: Options = {}, checksum = "c") {
    const all: Run[] = [];
    const made = new Runs({
      suites: ["all"],
      history,
      configChecksum: checksum,
      isPartial: ({ cohorts }) => cohorts !== null,
      log: createLog("silent"),
      create: (runId, _selection, memory) => {
        const { run } = runOf({ ...options, memory, runId });
        all.push(run);
        return { run, execute: () => run.execute() };
      },
    });
    return { made, all };
  }

  function idOf(answer: ReturnType<Runs["trigger"]>): string {
    if (!("run" in answer)) throw new Error(answer.kind);
    return answer.run.runId;
  }

  it("are joined by the same selection, in whatever order it names its parts", async () => {
    const { made, all } = runs();
    const some = { suite: "all", cohorts: ["a", "b"], devices: null, allowDeviceIdentity: 0 };
    expect(made.trigger(some, null, "ci").kind).toBe("started");
    expect(made.trigger({ ...some, cohorts: ["b", "a"] }, null, "ci").kind).toBe("joined");
    expect(made.trigger(ALL, null, "ci")).toMatchObject({ kind: "busy" });
    expect(all).toHaveLength(1);
    await made.drain();
  });

  it("are known by their key, also when they are over", async () => {
    const { made, all } = runs();
    made.trigger(ALL, "key", "ci");
    await expect.poll(() => made.list(null, 10).items[0]?.status).toBe("finished");
    expect(made.trigger(ALL, "key", "ci").kind).toBe("known");
    expect(made.trigger(ALL, "another key", "ci").kind).toBe("started");
    expect(all).toHaveLength(2);
    await made.drain();
  });

  it("are listed newest first, a page at a time", async () => {
    const { made } = runs();
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) {
      ids.unshift(idOf(made.trigger(ALL, `key ${index}`, "ci")));
      await expect.poll(() => made.list(null, 1).items[0]?.status).toBe("finished");
    }
    const seen: string[] = [];
    let cursor: string | null = null;
    do {
      const page: ReturnType<Runs["list"]> = made.list(cursor, 2);
      seen.push(...page.items.map(({ runId }) => runId));
      cursor = page.nextCursor;
    } while (cursor !== null);
    expect(seen).toEqual(ids);
    await made.drain();
  });

  it("are not started once the daemon drains", async () => {
    const { made } = runs();
    await made.drain();
    expect(made.trigger(ALL, null, "ci")).toEqual({ kind: "draining" });
  });

  it("are cancelled for good", async () => {
    const { made } = runs({ checks: 50, before: () => new Promise((resolve) => setTimeout(resolve, 5)) });
    const runId = idOf(made.trigger(ALL, null, "ci"));
    expect(made.cancel(runId)?.runId).toBe(runId);
    const summary = await made.finished(runId);
    expect(summary).toMatchObject({ status: "cancelled", decision: "inconclusive" });
    expect(summary.notes).toContain("the run was cancelled");
    expect(made.cancel(runId)).toBeNull();
    runs().made.resume();
    expect(history.get(runId)?.summary.status).toBe("cancelled");
  });

  it("go on after an interruption: what is recorded is not done again, and nothing is missing", async () => {
    const done: number[] = [];
    const interrupted = runs({
      checks: 40,
      before: (check, self) => {
        done.push(check.seq);
        if (done.length === 17) self.stop("INTERRUPTED");
      },
    });
    const runId = idOf(interrupted.made.trigger(ALL, "key", "ci"));
    expect(await interrupted.made.finished(runId)).toMatchObject({ status: "interrupted" });
    const recorded = [...history.inPlanOrder(runId)].map(({ seq }) => seq);
    expect(recorded.length).toBeLessThan(40);

    const again: number[] = [];
    const { made } = runs({ checks: 40, before: (check) => void again.push(check.seq) });
    made.resume();
    expect(made.trigger(ALL, "key", "ci")).toMatchObject({
      kind: "known",
      run: { runId, status: "running" },
    });
    expect(await made.finished(runId)).toMatchObject({
      runId,
      status: "finished",
      decision: "go",
      counts: { planned: 40, checks: 40, pass: 40, notRun: 0 },
    });
    expect(again.toSorted((a, b) => a - b)).toEqual(
      Array.from({ length: 40 }, (_, seq) => seq).filter((seq) => !recorded.includes(seq)),
    );
    expect([...history.inPlanOrder(runId)]).toHaveLength(40);
  });

  it.each([
    ["another configuration", "d", "f", "the configuration changed meanwhile"],
    ["other profiles", "c", "g", "the profiles changed while the run was interrupted"],
  ])("do not go on under %s, and say so", async (_name, checksum, fleetChecksum, reason) => {
    const first = runs({
      checks: 9,
      before: (check, self) => void (check.seq === 3 && self.stop("INTERRUPTED")),
    });
    const runId = idOf(first.made.trigger(ALL, null, "ci"));
    await first.made.finished(runId);
    const { made } = runs({ checks: 9, plan: { fleetChecksum } }, checksum);
    made.resume();
    await expect.poll(() => made.get(runId)?.status).not.toBe("running");
    const summary = made.get(runId);
    expect(summary?.decision).not.toBe("go");
    expect(summary?.notes.join()).toContain(reason);
    const later = runs();
    later.made.resume();
    expect(later.all).toEqual([]);
  });

  it("that do not go on leave nothing behind, and hold up no start where the history cannot be written", async () => {
    const first = runs({
      checks: 9,
      before: (check, self) => void (check.seq === 3 && self.stop("INTERRUPTED")),
    });
    const runId = idOf(first.made.trigger(ALL, null, "ci"));
    await first.made.finished(runId);
    history.setFlag(`origins of ${runId}`, "[1]");
    const whole = history;
    history = new Proxy(whole, {
      get(target, name) {
        if (name === "finish")
          return () => {
            throw new Error("disk full");
          };
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    expect(() => runs({}, "d").made.resume()).not.toThrow();
    history = whole;
    runs({}, "d").made.resume();
    expect(history.unfinished()).toEqual([]);
    expect(history.flag(`origins of ${runId}`)).toBeNull();
  });

  it("let client ids rest before they go on: the process before may just have used them", async () => {
    const first = runs({
      checks: 9,
      before: (check, self) => void (check.seq === 3 && self.stop("INTERRUPTED")),
    });
    const runId = idOf(first.made.trigger(ALL, null, "ci"));
    await first.made.finished(runId);
    const begunAtMs: number[] = [];
    const { made } = runs({ checks: 9, before: () => void begunAtMs.push(performance.now()) });
    const resumedAtMs = performance.now();
    made.resume();
    await made.finished(runId);
    expect(Math.min(...begunAtMs) - resumedAtMs).toBeGreaterThanOrEqual(1000);
  });

  it("are remarked upon after their end, once", async () => {
    const { made } = runs();
    const runId = idOf(made.trigger(ALL, null, "ci"));
    await made.finished(runId);
    for (const _ of "ab") made.remark(runId, "the decision was let pass by ci: known outage");
    const notes = ["the decision was let pass by ci: known outage"];
    expect(made.get(runId)?.notes).toEqual(notes);
    expect(runs().made.get(runId)).toMatchObject({ notes, decision: "go", status: "finished" });
  });

  it("are not taken for interrupted after the disk was full, as soon as the history takes their end", async () => {
    const whole = history;
    let isFull = true;
    history = new Proxy(whole, {
      get(target, name) {
        if (isFull && (name === "record" || name === "finish"))
          return () => {
            throw new Error("disk full");
          };
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    const { made } = runs();
    const first = idOf(made.trigger(ALL, null, "ci"));
    await made.finished(first);
    expect(whole.unfinished().map(({ runId }) => runId)).toEqual([first]);
    isFull = false;
    await made.finished(idOf(made.trigger(ALL, null, "ci")));
    await expect.poll(() => whole.unfinished()).toEqual([]);
    const kept = whole.get(first)?.summary;
    expect(kept).toMatchObject({ status: "finished", decision: "go" });
    expect(kept?.notes).toEqual(["the history of this run is not whole: disk full"]);
  });

  it("are decided, listed and told of although the history cannot be written", async () => {
    const broken = new Proxy(history, {
      get(target, name) {
        if (name === "begin" || name === "rememberKey")
          return () => {
            throw new Error("disk full");
          };
        const value = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
    history = broken;
    const { made } = runs();
    const runId = idOf(made.trigger(ALL, "key", "ci"));
    const summary = await made.finished(runId);
    expect(summary).toMatchObject({ status: "finished", decision: "go" });
    expect(summary.notes).toEqual(["the history of this run is not whole: disk full"]);
    expect(made.list(null, 10).items.map((each) => each.runId)).toEqual([runId]);
    expect(made.trigger(ALL, "key", "ci").kind).toBe("known");
  });
});
