import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultFilter } from "../../src/model/history.ts";
import type { RunTimes } from "../../src/model/latency.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { openDatabase } from "../../src/store/database.ts";
import { History } from "../../src/store/history.ts";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import { sampleSummary } from "../report/sample.ts";
import { NO_FILTER, resultOf } from "../support/results.ts";

const ALL = { suite: "all", cohorts: null, devices: null, allowDeviceIdentity: 0 };
const TIMES: RunTimes = {
  ...{ connectP95Seconds: 0.25, authorizerP95Seconds: null },
  shapes: [{ protocol: "mqtt", phase: "total", buckets: [{ le: 0.5, count: 3 }] }],
};

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-store-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function open(): History {
  const opened = History.open(join(folder, "history.db"));
  if (opened.kind !== "open") throw new Error(opened.message);
  return opened.history;
}

function begin(history: History, runId: string, startedAtMs = 0, suite = "all"): void {
  const start = { runId, selection: { ...ALL, suite }, startedAtMs, actor: "a", configChecksum: "c" };
  history.begin(start, { ...sampleSummary, runId, suite, status: "running", decision: null }, false);
}

const PASS = toRecord(resultOf());

function recordOf(seq: number, changes: Partial<ResultRecord> = {}): ResultRecord {
  return { ...PASS, seq, device: `pump-${seq}`, ...changes };
}

const records = fc.array(
  fc.record({
    device: fc.constantFrom("a", "b"),
    verdict: fc.constantFrom("pass", "fail"),
    authorizer: fc.constantFrom("allowed", "denied"),
    gateway: fc.constantFrom("accepted", "refused"),
    cohort: fc.constantFrom("pumps", "val'ves"),
    protocol: fc.constantFrom("mqtt", "wss"),
    derived: fc.constantFrom(null, "wrong-password"),
  }),
  { maxLength: 40 },
);
const filters = fc.record({
  verdict: fc.constantFrom(null, "pass", "fail"),
  cause: fc.constantFrom(null, "ALPN_MISSING"),
  authorizer: fc.constantFrom(null, "allowed", "errored"),
  gateway: fc.constantFrom(null, "accepted"),
  cohort: fc.constantFrom(null, "val'ves"),
  protocol: fc.constantFrom(null, "wss"),
  device: fc.constantFrom(null, "b"),
  derived: fc.constantFrom(null, true, false),
});

/** What the filter means, without a database. */
function fits(record: ResultRecord, { derived, cause, ...same }: ResultFilter): boolean {
  return (
    (derived === null || (record.derived !== null) === derived) &&
    (cause === null || record.causes[0]?.code === cause) &&
    Object.entries(same).every(
      ([name, value]) => value === null || record[name as keyof ResultRecord] === value,
    )
  );
}

describe("pages of results", () => {
  it("hold what any mix of filters asks for, in plan order, whatever the size of the page", () => {
    using history = open();
    let runs = 0;
    fc.assert(
      fc.property(records, filters, fc.integer({ min: 1, max: 7 }), (kept, filter, limit) => {
        runs += 1;
        const runId = `r${runs}`;
        begin(history, runId);
        const all = kept.map((each, seq) => {
          const cause = { code: "ALPN_MISSING", evidence: "", nextStep: "" } as const;
          return recordOf(seq, { ...(each as Partial<ResultRecord>), causes: seq % 3 === 0 ? [cause] : [] });
        });
        for (const record of all) history.record(runId, record);
        const found: ResultRecord[] = [];
        for (let afterSeq: number | null = null; ; ) {
          const page = history.results(runId, { ...(filter as ResultFilter), afterSeq, limit });
          found.push(...page);
          afterSeq = page.at(-1)?.seq ?? null;
          if (page.length < limit) break;
        }
        expect(found).toEqual(all.filter((record) => fits(record, filter as ResultFilter)));
      }),
      { numRuns: 150 },
    );
  });

  it("are found without going through the results", () => {
    using history = open();
    begin(history, "r1");
    const opened = openDatabase("");
    if (opened.kind !== "open") throw new Error(opened.message);
    const plan = opened.database
      .prepare(
        "EXPLAIN QUERY PLAN SELECT seq FROM results INDEXED BY results_narrow WHERE run = 1 AND seq > 0 AND verdict = 'fail' AND common IN (SELECT id FROM commons) ORDER BY seq LIMIT 1",
      )
      .all()
      .map(({ detail }) => String(detail));
    opened.database.close();
    expect(plan[0]).toMatch(/SEARCH results USING COVERING INDEX results_narrow \(run=\? AND seq>\?\)/);
    expect(plan.join()).not.toMatch(/TEMP B-TREE FOR ORDER/);
  });
});

describe("results of a device", () => {
  it("come newest run first and in plan order, a page at a time, also while older runs go", () => {
    using history = open();
    for (const [index, runId] of ["r1", "r2", "r3"].entries()) {
      begin(history, runId, index * 1_000);
      for (const seq of [0, 1, 2, 3])
        history.record(runId, recordOf(seq, { device: seq % 2 === 0 ? "x" : "y" }));
    }
    const page = (after: { run: number; seq: number } | null) =>
      history.ofDevice("x", { after, limit: 2 }).map(({ run, runId, startedAtMs, record }) => {
        return { run, text: `${runId} ${startedAtMs} ${record.device} ${record.seq}`, seq: record.seq };
      });
    const first = page(null);
    expect(first.map(({ text }) => text)).toEqual(["r3 2000 x 0", "r3 2000 x 2"]);
    const second = page(first.at(-1) ?? null);
    expect(second.map(({ text }) => text)).toEqual(["r2 1000 x 0", "r2 1000 x 2"]);
    // One that begins meanwhile is newer than the cursor.
    begin(history, "r4", 3_000);
    history.record("r4", recordOf(0, { device: "x" }));
    const third = page(second.at(0) ?? null);
    expect(third.map(({ text }) => text)).toEqual(["r2 1000 x 2", "r1 0 x 0"]);
    expect(page({ run: 1, seq: 2 })).toEqual([]);
    expect(history.ofDevice("z", { after: null, limit: 2 })).toEqual([]);
  });
});

describe("the points of a suite", () => {
  it("are its runs, newest first, a page at a time", () => {
    using history = open();
    begin(history, "r1", 1_000);
    begin(history, "r2", 2_000, "other");
    begin(history, "r3", 3_000);
    history.finish("r1", { ...sampleSummary, runId: "r1" }, TIMES);
    const page = (cursor: string | null, limit: number) =>
      history.points({ suite: "all", cursor, limit }).map(({ runId }) => runId);
    expect([page(null, 1), page("r3", 1), page("r1", 1), page("gone", 9)]).toEqual([["r3"], ["r1"], [], []]);
    const { decision, decidedAt, durationSeconds, counts } = sampleSummary;
    const { checks, pass, fail, inconclusive, skipped } = counts;
    const [live, ended] = history.points({ suite: "all", cursor: null, limit: 9 });
    expect(ended).toEqual({
      ...{ runId: "r1", status: "finished", decision, isWhole: true, startedAt: "1970-01-01T00:00:01.000Z" },
      ...{ decidedAt, durationSeconds, checks, pass, fail, inconclusive, skipped },
      ...{ connectP95: 0.25, authorizerP95: null },
    });
    expect(live).toMatchObject({ status: "running", decision: null, connectP95: null, authorizerP95: null });
  });
});

describe("the times of a run", () => {
  it("are kept with its end, stay when its end is written again, and go with it", () => {
    {
      using history = open();
      begin(history, "r1");
      begin(history, "r2", 0, "other");
      history.finish("r1", { ...sampleSummary, runId: "r1" }, TIMES);
      history.finish("r1", { ...sampleSummary, runId: "r1", notes: ["a remark"] });
    }
    using history = open();
    expect(history.latencies.of("r1")).toEqual(TIMES);
    expect(history.latencies.of("r2")).toBeNull();
    history.prune({ keepRuns: 0, keepDays: 0, maxBytes: 0 }, Date.now());
    // A suite's last go stays, and its times with it.
    expect(history.latencies.of("r1")).toBe(sampleSummary.decision === "go" ? TIMES : null);
  });

  it("are missing of runs of a release that did not keep them", () => {
    const path = join(folder, "history.db");
    const before = openDatabase(path, MIGRATIONS.slice(0, 3));
    if (before.kind !== "open") throw new Error(before.message);
    const summary = JSON.stringify(sampleSummary);
    before.database
      .prepare(
        `INSERT INTO runs (run_id, suite, status, decision, partial, started_at_ms, start, summary)
         VALUES ('r1', 'all', 'finished', 'no-go', 0, 0, '{}', ?)`,
      )
      .run(summary);
    before.database.exec(
      `INSERT INTO commons VALUES (1, '{"authorizer":"allowed","derived":null}');
       INSERT INTO results VALUES (1, 0, 'x', 'pass', NULL, 1, '{}')`,
    );
    before.database.close();
    using history = open();
    expect(history.latencies.of("r1")).toBeNull();
    const query = { ...NO_FILTER, authorizer: "allowed" as const, afterSeq: null, limit: 9 };
    expect(history.results("r1", query).map(({ seq }) => seq)).toEqual([0]);
  });
});
