import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import type { Facts } from "../../src/model/facts.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { HistoryMemory } from "../../src/run/memory.ts";
import type { History } from "../../src/store/history.ts";
import { ACCEPTED, answered, REFUSED, TRANSPORT } from "../support/fixtures.ts";
import { ALL, type Options, openTemporary, runOf, SUITE } from "./run-parts.ts";

let history: History;
beforeEach(() => {
  history = openTemporary();
});
afterEach(() => history[Symbol.dispose]());

/** Runs and keeps one run. */
async function kept(runId: string, options: Options = {}): Promise<RunSummary> {
  const memory = new HistoryMemory(history, runId, null, createLog("silent"));
  const { run } = runOf({ ...options, memory, runId });
  const start = { runId, selection: ALL, startedAtMs: Date.now(), actor: "ci", configChecksum: "c" };
  memory.begin(start, run.summary(), false);
  return run.execute();
}

const policy = (policyHash: string): Partial<Facts> => ({ invocation: answered("allowed", { policyHash }) });
const slow = (ms: number): Partial<Facts> => ({
  outcome: { ...ACCEPTED, transport: { ...TRANSPORT, phasesMs: { tcp: ms, connack: ms } } },
});

describe("a run and the last go", () => {
  it("has nothing to be compared with at first", async () => {
    expect((await kept("r1")).drift).toBeNull();
  });

  it("shows what changed since, also of latency, and keeps it with the run", async () => {
    await kept("r1", { facts: () => ({ ...policy("a"), ...slow(10) }) });
    const summary = await kept("r2", {
      facts: ({ seq }) => ({
        ...policy(seq === 0 ? "b" : "a"),
        ...(seq === 2 ? { outcome: REFUSED } : slow(40)),
      }),
    });
    expect(summary.drift).toMatchObject({
      since: "r1",
      newlyFailing: { checks: 1, examples: ["device-2"] },
      policyChanged: { checks: 1, examples: ["device-0"] },
      newlyMissing: { checks: 0 },
    });
    const shift = summary.drift?.latency.find(({ protocol }) => protocol === "mqtt");
    expect(shift?.before).toBeCloseTo(0.02, 3);
    expect(shift?.now).toBeCloseTo(0.08, 2);
    expect(history.get("r2")?.summary.drift).toEqual(summary.drift);
  });

  it("is no-go by rules on what changed, and inconclusive where there is nothing to compare with", async () => {
    const suite = {
      gate: { ...SUITE.gate, minPassRatio: 0, maxNewFailures: 0, requirePolicyUnchanged: true },
    };
    const first = await kept("r1", { suite });
    expect(first).toMatchObject({ decision: "inconclusive" });
    expect(first.reason).toContain("maxNewFailures is not measurable");
    await kept("r2", { facts: () => policy("a") });
    expect((await kept("r3", { suite, facts: () => policy("a") })).decision).toBe("go");
    const changed = await kept("r4", { suite, facts: ({ seq }) => policy(seq === 1 ? "b" : "a") });
    expect(changed).toMatchObject({ decision: "no-go" });
    expect(changed.reason).toContain("requirePolicyUnchanged is 1, threshold 0");
    const failing = await kept("r5", {
      suite,
      facts: ({ seq }) => ({ ...policy("a"), ...(seq === 1 ? { outcome: REFUSED } : {}) }),
    });
    expect(failing).toMatchObject({ decision: "no-go", drift: { since: "r3" } });
    expect(failing.reason).toContain("maxNewFailures is 1, threshold 0");
  });

  it("is inconclusive under such a rule where the history cannot be read, and says so", async () => {
    await kept("r1");
    const suite = { gate: { ...SUITE.gate, maxNewFailures: 0 } };
    const broken = new Proxy(history, {
      get: (target, name) =>
        name === "compare"
          ? () => Promise.reject(new Error("database disk image is malformed"))
          : Reflect.get(target, name).bind(target),
    });
    const memory = new HistoryMemory(broken, "r1", null, createLog("silent"));
    const summary = await runOf({ suite, memory }).run.execute();
    expect(summary).toMatchObject({ decision: "inconclusive", drift: null });
    expect(summary.reason).toContain("maxNewFailures is not measurable");
    const note = "the run could not be compared with the last go: database disk image is malformed";
    expect(summary.notes).toEqual([note]);
  });
});

describe("a run that fails fast", () => {
  const failFast = { failFast: true };

  it("stops as soon as it is certain to be a no-go, and says which rule made it so", async () => {
    const { run, results } = runOf({ checks: 500, suite: failFast, facts: () => ({ outcome: REFUSED }) });
    const summary = await run.execute();
    expect(summary).toMatchObject({ status: "finished", decision: "no-go" });
    expect(summary.counts.notRun).toBe(500 - summary.counts.checks);
    expect(results.length).toBeLessThan(50);
    expect(summary.notes).toContain(
      "failFast: a rule cannot be met any more, so the rest was not run: pumps on here: minPassRatio",
    );
  });

  it("goes on while the rest may mend it, and where nobody asked for it", async () => {
    const one = ({ seq }: { readonly seq: number }) => (seq === 0 ? { outcome: REFUSED } : {});
    const suite = { ...failFast, gate: { ...SUITE.gate, minPassRatio: 0.9 } };
    const mended = await runOf({ checks: 10, suite, facts: one }).run.execute();
    expect(mended).toMatchObject({ decision: "go", counts: { checks: 10, notRun: 0 }, notes: [] });
    const patient = await runOf({ checks: 30, facts: () => ({ outcome: REFUSED }) }).run.execute();
    expect(patient).toMatchObject({ decision: "no-go", counts: { checks: 30, notRun: 0 }, notes: [] });
  });
});

describe("a run's latency", () => {
  it("is held to a limit, by the devices that the gateway answered", async () => {
    const facts = ({ seq }: { readonly seq: number }) => slow(seq < 2 ? 200 : 10);
    const within = { gate: { ...SUITE.gate, maxConnectP95Ms: 500, maxAuthorizerP95Ms: 60_000 } };
    expect((await runOf({ checks: 10, suite: within, facts }).run.execute()).decision).toBe("go");
    const beyond = { gate: { ...SUITE.gate, maxConnectP95Ms: 300 } };
    const summary = await runOf({ checks: 10, suite: beyond, facts }).run.execute();
    expect(summary.decision).toBe("no-go");
    expect(summary.gate?.rules.find(({ rule }) => rule === "maxConnectP95")).toMatchObject({
      threshold: 0.3,
      observed: expect.closeTo(0.4, 2),
      met: false,
    });
  });
});
