import { describe, expect, it } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { DeviceQuery, DeviceRow } from "../../src/model/history.ts";
import type { RunTimes } from "../../src/model/latency.ts";
import type { RunPoint } from "../../src/model/overview.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { isPartial } from "../../src/plan/select.ts";
import { Overview, type OverviewOptions } from "../../src/run/overview.ts";
import { sampleSummary } from "../report/sample.ts";
import { resultOf } from "../support/results.ts";

const SHAPE = { protocol: "mqtt", phase: "total", buckets: [{ le: 0.5, count: 1 }] };
const KEPT: RunTimes = { connectP95Seconds: 0.5, authorizerP95Seconds: null, shapes: [SHAPE] };
const LIVE: RunTimes = { ...KEPT, connectP95Seconds: 0.125 };
const ROW = { protocol: "mqtt", phase: "total", samples: 1, p50: 0.4, p95: 0.4, p99: 0.4, max: 0.4 };

function runOf(runId: string, changes: Partial<RunSummary> = {}): RunSummary {
  return { ...sampleSummary, runId, suite: "all", latency: [ROW, { ...ROW, phase: "tls" }], ...changes };
}

const POINT: RunPoint = {
  ...{ runId: "kept", status: "finished", decision: "go", isWhole: true },
  ...{ startedAt: "2026-11-23T01:17:29.000Z", decidedAt: "2026-11-23T01:17:40.000Z", durationSeconds: 11 },
  ...{ checks: 2, pass: 2, fail: 0, inconclusive: 0, skipped: 0, connectP95: 0.5, authorizerP95: null },
};

/** Runs `old` (its times are not kept), `kept` and `live`, which the history knows as it began. */
function overviewOf(
  changes: Partial<OverviewOptions["history"]> = {},
  unsaved: readonly RunSummary[] = [],
): Overview {
  const drawn = { cohorts: ["pumps"], devices: null, allowDeviceIdentity: 0 };
  const live = runOf("live", { status: "running", decision: null, decidedAt: null, selection: drawn });
  const all = [live, runOf("kept"), runOf("old")];
  const points: RunPoint[] = [
    { ...POINT, runId: "live", status: "running", decision: null, checks: 0, pass: 0 },
    POINT,
    { ...POINT, runId: "old", connectP95: null },
  ];
  return new Overview({
    runs: {
      running: (suite) => (suite === "all" ? live : null),
      lastWhole: () => all[1] ?? null,
      unsaved: () => [...unsaved],
      get: (runId) => all.find((each) => each.runId === runId) ?? null,
      times: (runId) => (runId === "live" ? LIVE : null),
    },
    history: {
      lastGo: () => null,
      ofDevice: () => [],
      points: ({ suite, limit }) => (suite === "all" ? points.slice(0, limit) : []),
      latencies: { of: (runId) => (runId === "kept" ? KEPT : null) },
      ...changes,
    },
    isPartial,
  });
}

describe("the overview", () => {
  it("shows runs as points, one that is under way as far as it is", () => {
    const { items, nextCursor } = overviewOf().history("all", null, 3);
    const { checks, pass, fail } = sampleSummary.counts;
    expect(nextCursor).toBeNull();
    expect(items[0]).toMatchObject({
      ...{ runId: "live", status: "running", decision: null, isWhole: false, checks, pass, fail },
      ...{ connectP95: 0.125, authorizerP95: null },
    });
    expect(items.slice(1)).toEqual([POINT, { ...POINT, runId: "old", connectP95: null }]);
  });

  it("says where the next page begins", () => {
    const { items, nextCursor } = overviewOf().history("all", null, 2);
    expect([items.map(({ runId }) => runId), nextCursor]).toEqual([["live", "kept"], "kept"]);
  });

  it("shows what the history could not take on the first page", () => {
    const overview = overviewOf({}, [runOf("unsaved"), runOf("night", { suite: "night" })]);
    const ids = (suite: string, cursor: string | null) =>
      overview.history(suite, cursor, 9).items.map(({ runId }) => runId);
    expect(ids("all", null)).toEqual(["unsaved", "live", "kept", "old"]);
    expect(ids("night", null)).toEqual(["night"]);
    expect(ids("night", "kept")).toEqual([]);
  });

  it("puts distributions beside the quantiles where they are kept", () => {
    const overview = overviewOf();
    const rows = [
      { ...ROW, buckets: SHAPE.buckets },
      { ...ROW, phase: "tls", buckets: [] },
    ];
    expect(overview.latency("kept")).toEqual(rows);
    expect(overview.latency("live")).toEqual(rows);
    expect(overview.latency("old")).toEqual(rows.map((row) => ({ ...row, buckets: [] })));
    expect(overview.latency("other")).toBeNull();
  });

  it("names the run under way and the last go", () => {
    const go = runOf("go", { decision: "go", decidedAt: "2026-11-22T01:17:40.000Z" });
    const overview = overviewOf({ lastGo: () => ({ summary: go }) });
    expect([overview.running("all"), overview.running("night")]).toEqual(["live", null]);
    expect(overview.lastGo("all")).toEqual({ runId: "go", decidedAt: "2026-11-22T01:17:40.000Z" });
    expect(overviewOf().lastGo("all")).toBeNull();
  });

  it("walks through the results of a device with cursors of its own", () => {
    const kept: DeviceRow[] = [7, 6, 5].map((run) => {
      return { run, runId: `r${run}`, startedAtMs: 0, record: toRecord(resultOf()) };
    });
    const asked: DeviceQuery[] = [];
    const ofDevice = (_device: string, query: DeviceQuery) => {
      asked.push(query);
      const { after, limit } = query;
      return kept.filter(({ run }) => after === null || run < after.run).slice(0, limit);
    };
    const overview = overviewOf({ ofDevice });
    const first = overview.ofDevice("x", null, 2);
    expect(first?.items.map(({ runId }) => runId)).toEqual(["r7", "r6"]);
    expect(first?.items[0]).toEqual({
      ...{ runId: "r7", startedAt: "1970-01-01T00:00:00.000Z" },
      ...toRecord(resultOf()),
    });
    const second = overview.ofDevice("x", first?.nextCursor ?? "", 2);
    expect(second).toMatchObject({ items: [{ runId: "r5" }], nextCursor: null });
    expect(asked[1]).toEqual({ after: { run: 6, seq: 0 }, limit: 3 });
    for (const cursor of ["", "7", "7.", "-1.0", "7.0 ", "9".repeat(16).concat(".0")])
      expect(overview.ofDevice("x", cursor, 2)).toBeNull();
  });
});
