import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { doubtOf, gateAnswer } from "../../src/gate/answer.ts";
import { createLog } from "../../src/lib/log.ts";
import type { Fingerprint } from "../../src/model/fingerprint.ts";
import type { GateAnswer, GateOverride, GateReply } from "../../src/model/gate-answer.ts";
import type { Pause } from "../../src/model/pause.ts";
import { isPartial } from "../../src/plan/select.ts";
import { GateService } from "../../src/run/gate-service.ts";
import { Runs } from "../../src/run/runs.ts";
import type { History } from "../../src/store/history.ts";
import { REFUSED } from "../support/fixtures.ts";
import { ALL, type Options, openTemporary, runOf } from "./run-parts.ts";

const MINUTE = 60_000;
const PAUSE: Pause = { actor: "ops", reason: "maintenance", since: "2026-11-23T05:00:00.000Z" };
const PRINT: Fingerprint = { configChecksum: "c", fleetChecksum: "f", firmware: [], targets: [] };

let history: History;
beforeEach(() => {
  history = openTemporary();
});
afterEach(() => history[Symbol.dispose]());

/** A daemon's gate over real runs and a real history, with a clock and circumstances that the test sets. */
function gateOf(options: Options = {}) {
  const world = {
    laterMs: 0,
    current: PRINT as Fingerprint | null,
    looks: 0,
    audited: [] as string[],
    pause: null as Pause | null,
  };
  const held = Promise.withResolvers<void>();
  const state = { isHeld: false };
  const runs = new Runs({
    suites: ["all", "other"],
    history,
    configChecksum: "c",
    isPartial,
    log: createLog("silent"),
    create: (runId, selection, memory) => {
      const { run } = runOf({
        suite: { name: selection.suite },
        ports: { bind: async () => ({ fingerprint: PRINT, contradiction: null }) },
        before: () => (state.isHeld ? held.promise : undefined),
        ...options,
        memory,
        runId,
      });
      return { run, execute: () => run.execute() };
    },
  });
  const gate = new GateService({
    runs,
    maxAgeMs: () => 15 * MINUTE,
    answer: gateAnswer,
    doubtOf,
    current: async () => {
      world.looks += 1;
      return world.current;
    },
    isPartial,
    paused: () => world.pause,
    onOverride: () => {},
    audit: { note: (...entry) => world.audited.push(entry.join(": ")) },
    now: () => Date.now() + world.laterMs,
  });
  const hold = () => {
    state.isHeld = true;
    return () => {
      state.isHeld = false;
      held.resolve();
    };
  };
  const ask = (idempotencyKey: string | null = null, suite = "all", override: GateOverride | null = null) =>
    gate.ask({ suite, idempotencyKey, override }, "ci");
  /** Asks until there is a decision. */
  const decided = async (key: string | null = "first") => {
    await ask(key);
    await expect.poll(() => runs.running("all")).toBeNull();
    return answerOf(await ask(key));
  };
  return { gate, runs, world, hold, ask, decided };
}

function answerOf(reply: GateReply): GateAnswer {
  if ("kind" in reply) throw new Error(reply.kind);
  return reply;
}

describe("asking a gate", () => {
  it("triggers a run and says running; with the same key it gets that run's decision", async () => {
    const { ask, runs, decided } = gateOf();
    const first = answerOf(await ask("first"));
    expect(first).toMatchObject({ decision: "running", ok: false, expiresAt: null });
    const answer = await decided();
    expect(answer).toMatchObject({ decision: "go", ok: true, runId: first.runId });
    expect(runs.list(null, 10).items).toHaveLength(1);
  });

  it("joins the run that is under way, whoever began it and under whatever key", async () => {
    const { ask, runs, hold } = gateOf();
    const letGo = hold();
    const started = runs.trigger(ALL, null, "schedule");
    if (started.kind !== "started") throw new Error(started.kind);
    for (const key of [null, "a", "b"]) {
      expect(await ask(key)).toMatchObject({ decision: "running", runId: started.run.runId });
    }
    letGo();
    await runs.finished(started.run.runId);
    expect(await ask("b")).toMatchObject({ decision: "go", runId: started.run.runId });
  });

  it("is told that another selection is running", async () => {
    const { ask, runs, hold } = gateOf();
    const letGo = hold();
    const part = runs.trigger({ ...ALL, cohorts: ["pumps"] }, "part", "ci");
    if (part.kind !== "started") throw new Error(part.kind);
    const busy = { kind: "busy", runId: part.run.runId };
    expect(await ask()).toMatchObject(busy);
    expect(await ask("part")).toMatchObject(busy);
    expect(await ask("part", "other")).toMatchObject(busy);
    letGo();
    await runs.finished(part.run.runId);
  });

  it("gets a decision that still holds, and the new key stands for that run from then on", async () => {
    const { ask, decided, world } = gateOf();
    const { runId } = await decided();
    expect(await ask()).toMatchObject({ decision: "go", runId });
    expect(await ask("second")).toMatchObject({ decision: "go", runId });
    world.laterMs = 16 * MINUTE;
    expect(await ask("second")).toMatchObject({ decision: "inconclusive", ok: false, runId });
  });

  it.each([
    ["is too old", { laterMs: 16 * MINUTE }],
    ["was made for other circumstances", { current: { ...PRINT, fleetChecksum: "g" } }],
    ["cannot be held against anything", { current: null }],
  ])("triggers a new run where the last decision %s", async (_name, changes) => {
    const { ask, decided, world, runs } = gateOf();
    const { runId } = await decided();
    Object.assign(world, changes);
    const again = answerOf(await ask("second"));
    expect(again.decision).toBe("running");
    expect(again.runId).not.toBe(runId);
    await runs.drain();
  });

  it("passes on a no-go as long as it holds, and triggers nothing", async () => {
    const { ask, decided, runs } = gateOf({ facts: () => ({ outcome: REFUSED }) });
    const { runId, decision, causes } = await decided();
    expect(decision).toBe("no-go");
    expect(causes.length).toBeGreaterThan(0);
    expect(await ask()).toMatchObject({ decision: "no-go", ok: false, runId });
    expect(runs.list(null, 10).items).toHaveLength(1);
  });

  it("triggers after a cancelled run, and calls the cancelled one no go", async () => {
    const { ask, runs, hold, gate } = gateOf({ checks: 20 });
    const letGo = hold();
    const { runId } = answerOf(await ask("first"));
    runs.cancel(runId ?? "");
    letGo();
    await runs.finished(runId ?? "");
    expect(await gate.peek("all")).toMatchObject({ decision: "inconclusive", ok: false, runId });
    expect(await ask("first")).toMatchObject({ decision: "inconclusive", ok: false, runId });
    expect(await ask("second")).toMatchObject({ decision: "running" });
    await runs.drain();
  });

  it("is told that the daemon stops, also of a run that the next process goes on with", async () => {
    const { ask, runs, hold } = gateOf({ checks: 20 });
    const letGo = hold();
    await ask("first");
    const drained = runs.drain();
    letGo();
    await drained;
    expect(await ask("first")).toEqual({ kind: "draining" });
    expect(await ask("second")).toEqual({ kind: "draining" });
  });

  it("gets what an earlier process decided, and looks at how things are now before it passes it on", async () => {
    const { runId } = await gateOf().decided();
    const { ask, world, runs } = gateOf();
    expect(await ask("first")).toMatchObject({ decision: "go", ok: true, runId });
    expect(await ask()).toMatchObject({ decision: "go", ok: true, runId });
    expect(world.looks).toBe(2);
    expect(runs.running("all")).toBeNull();
  });
});

describe("a gate of a paused daemon", () => {
  it.each([
    ["a go", {}, "go"],
    ["a no-go", { facts: () => ({ outcome: REFUSED }) }, "no-go"],
  ] as const)(
    "keeps %s to itself, under its key too, until somebody resumes",
    async (_name, options, held) => {
      const { gate, ask, decided, world, runs } = gateOf(options);
      const { runId, decision } = await decided();
      expect(decision).toBe(held);
      world.pause = PAUSE;
      world.looks = 0;
      const reason = "paused by ops since 2026-11-23T05:00:00.000Z: maintenance";
      const untold = { decision: "inconclusive", ok: false, runId, reason };
      expect(await ask("first")).toMatchObject(untold);
      expect(await gate.peek("all")).toMatchObject(untold);
      // Looking would be a call, and a pause is for there being none.
      expect(world.looks).toBe(0);
      expect(runs.list(null, 10).items).toHaveLength(1);
      world.pause = null;
      expect(await ask("first")).toMatchObject({ decision: held, ok: held === "go", runId });
    },
  );

  it("takes a trigger, which everybody joins and whose run waits", async () => {
    const { ask, decided, world, runs, hold } = gateOf();
    const { runId: before } = await decided();
    world.pause = PAUSE;
    const letGo = hold();
    const { runId, ...said } = answerOf(await ask("second"));
    expect(runId).not.toBe(before);
    expect(said).toMatchObject({ decision: "running", ok: false, reason: expect.stringMatching(/^paused/) });
    for (const key of [null, "second", "third"]) {
      expect(await ask(key)).toMatchObject({ decision: "running", ok: false, runId });
    }
    world.pause = null;
    letGo();
    await runs.finished(runId ?? "");
    expect(await ask("third")).toMatchObject({ decision: "go", ok: true, runId });
  });
});

describe("looking at a gate", () => {
  it("triggers nothing, whatever there is", async () => {
    const { gate, runs, decided, world } = gateOf();
    expect(await gate.peek("all")).toMatchObject({ decision: "inconclusive", runId: null });
    expect(runs.list(null, 10).items).toEqual([]);
    const { runId } = await decided();
    expect(await gate.peek("all")).toMatchObject({ decision: "go", runId });
    expect(await gate.peek("other")).toMatchObject({ decision: "inconclusive", runId: null });
    world.laterMs = 16 * MINUTE;
    world.looks = 0;
    expect(await gate.peek("all")).toMatchObject({ decision: "inconclusive", runId });
    // What has expired anyway is not worth a call.
    expect(world.looks).toBe(0);
    expect(runs.list(null, 10).items).toHaveLength(1);
  });

  it("looked at by a page that stays open asks how things are twice a minute, and at once after another run", async () => {
    const { gate, decided, world } = gateOf();
    const { runId } = await decided();
    const before = world.looks;
    for (let look = 0; look < 6; look++) {
      world.laterMs = look * 10_000;
      expect(await gate.glance("all")).toMatchObject({ decision: "go", runId });
    }
    expect(world.looks - before).toBeLessThanOrEqual(2);
    world.current = { ...PRINT, fleetChecksum: "g" };
    expect(await gate.peek("all")).toMatchObject({ decision: "inconclusive" });
    expect(await gate.glance("all")).toMatchObject({ decision: "inconclusive" });
    world.laterMs = MINUTE * 16;
    expect(await gate.glance("all")).toMatchObject({
      decision: "inconclusive",
      reason: expect.stringMatching(/expired|old/),
    });
  });

  it("says running while the suite is, and overlooks a run of a part of it", async () => {
    const { gate, runs, decided, hold } = gateOf();
    const { runId } = await decided();
    const letGo = hold();
    const part = runs.trigger({ ...ALL, devices: ["device-1"] }, null, "ci");
    expect(await gate.peek("all")).toMatchObject({ decision: "go", runId });
    letGo();
    if (part.kind === "started") await runs.finished(part.run.runId);
    expect(await gate.peek("all")).toMatchObject({ decision: "go", runId });
    const letGoAgain = hold();
    runs.trigger(ALL, null, "ci");
    expect(await gate.peek("all")).toMatchObject({ decision: "running", ok: false });
    letGoAgain();
    await runs.drain();
  });

  it("says running where a run began while circumstances were looked at", async () => {
    const { gate, runs, decided, hold } = gateOf();
    await decided();
    const letGo = hold();
    const peeked = gate.peek("all");
    runs.trigger(ALL, null, "ci");
    expect(await peeked).toMatchObject({ decision: "running", ok: false });
    letGo();
    await runs.drain();
  });
});

describe("an override", () => {
  const override: GateOverride = { actor: "alice", reason: "known outage" };

  it("passes an inconclusive decision, and is recorded once however often somebody polls", async () => {
    const { gate, decided, ask, world } = gateOf({ suite: { expected: { pumps: 9 } } });
    const { decision, runId } = await decided();
    expect(decision).toBe("inconclusive");
    for (let turn = 0; turn < 3; turn += 1) {
      expect(await ask("first", "all", override)).toMatchObject({
        ok: true,
        decision: "inconclusive",
        override,
      });
    }
    await gate.peek("all", override);
    expect(world.audited).toEqual([
      expect.stringContaining(`alice: override: all: known outage (run ${runId}: pumps on here: minCoverage`),
    ]);
    expect((await gate.peek("all")).ok).toBe(false);
  });

  it("passes nothing while the daemon is paused, and is not recorded", async () => {
    const { gate, decided, ask, world } = gateOf({ suite: { expected: { pumps: 9 } } });
    await decided();
    world.pause = PAUSE;
    for (const said of [await ask("first", "all", override), await gate.peek("all", override)]) {
      expect(said).toMatchObject({ decision: "inconclusive", ok: false, override: null });
    }
    expect(world.audited).toEqual([]);
  });

  it("leaves a go, a run under way and a suite that never ran as they are, and records nothing", async () => {
    const { gate, ask, decided, world } = gateOf();
    expect(await gate.peek("all", override)).toMatchObject({ ok: false, override: null });
    expect(await ask("first", "all", override)).toMatchObject({ decision: "running", ok: false });
    await decided();
    expect(await ask("first", "all", override)).toMatchObject({ decision: "go", override: null });
    expect(world.audited).toEqual([]);
  });
});
