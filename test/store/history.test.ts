import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { RunStart } from "../../src/model/history.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { openDatabase } from "../../src/store/database.ts";
import { History } from "../../src/store/history.ts";
import { MIGRATIONS } from "../../src/store/migrations.ts";
import { joinRecord, splitRecord } from "../../src/store/record-parts.ts";
import { sampleSummary } from "../report/sample.ts";
import { CLOSED, checkOf } from "../support/fixtures.ts";
import { judged, NO_FILTER, resultOf } from "../support/results.ts";

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2026, 10, 23);

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-store-"));
  path = join(folder, "data", "history.db");
});
afterEach(() => {
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
});

function open(at = path): History {
  const opened = History.open(at);
  if (opened.kind !== "open") throw new Error(opened.message);
  return opened.history;
}

function summaryOf(changes: Partial<RunSummary>): RunSummary {
  return { ...sampleSummary, ...changes };
}

function startOf(runId: string, changes: Partial<RunStart> = {}): RunStart {
  return {
    runId,
    selection: { suite: "all", cohorts: null, devices: null, allowDeviceIdentity: 0 },
    startedAtMs: NOW,
    actor: "cli",
    configChecksum: "c1",
    ...changes,
  };
}

function begin(history: History, runId: string, changes: Partial<RunStart> = {}): void {
  history.begin(startOf(runId, changes), summaryOf({ runId, status: "running", decision: null }), false);
}

function end(history: History, runId: string, changes: Partial<RunSummary> = {}): void {
  history.finish(runId, summaryOf({ runId, status: "finished", decision: "go", ...changes }));
}

function passing(seq: number): ResultRecord {
  return toRecord(resultOf({ check: checkOf({ seq }, { id: `pump-${seq}` }) }));
}

function failing(seq: number): ResultRecord {
  const verdict = judged("fail", "ALPN_MISSING", "GATEWAY_REFUSED_UNEXPLAINED");
  return toRecord(resultOf({ check: checkOf({ seq }, { id: `pump-${seq}` }), outcome: CLOSED, verdict }));
}

const ALL = { ...NO_FILTER, afterSeq: null, limit: 1000 };

describe("the history", () => {
  it("gives back every result as it was, in plan order, after it was closed and opened again", () => {
    {
      using history = open();
      begin(history, "r1");
      history.planned("r1", "f1");
      for (const record of [failing(2), passing(0), passing(1)]) history.record("r1", record);
    }
    using history = open();
    expect(history.results("r1", ALL)).toEqual([passing(0), passing(1), failing(2)]);
    expect([...history.inPlanOrder("r1")]).toEqual([passing(0), passing(1), failing(2)]);
    expect(history.get("r1")).toMatchObject({ ...startOf("r1"), fleetChecksum: "f1" });
  });

  it("keeps the first result of a place in the plan", () => {
    using history = open();
    begin(history, "r1");
    history.record("r1", passing(0));
    history.flush();
    history.record("r1", failing(0));
    expect(history.results("r1", ALL)).toEqual([passing(0)]);
    expect(history.result("r1", 0)).toEqual(passing(0));
    expect(history.result("r1", 1)).toBeNull();
  });

  it("pages through the results of a verdict or a cause", () => {
    using history = open();
    begin(history, "r1");
    for (let seq = 0; seq < 250; seq += 1) history.record("r1", seq % 10 === 3 ? failing(seq) : passing(seq));
    const failed = history.results("r1", { ...ALL, verdict: "fail", limit: 20 });
    expect(failed.map(({ seq }) => seq)).toEqual(Array.from({ length: 20 }, (_, index) => index * 10 + 3));
    const rest = history.results("r1", { ...ALL, verdict: "fail", afterSeq: failed.at(-1)?.seq ?? 0 });
    expect(rest.map(({ seq }) => seq)).toEqual([203, 213, 223, 233, 243]);
    expect(history.results("r1", { ...ALL, cause: "ALPN_MISSING" })).toHaveLength(25);
    // The second cause is not what a result is found by.
    expect(history.results("r1", { ...ALL, cause: "GATEWAY_REFUSED_UNEXPLAINED" })).toEqual([]);
  });

  it("lists runs, newest first, a page at a time", () => {
    using history = open();
    for (const runId of ["r1", "r2", "r3"]) begin(history, runId);
    begin(history, "r4", {
      selection: { suite: "other", cohorts: null, devices: null, allowDeviceIdentity: 0 },
    });
    const ids = (cursor: string | null, suite: string | null = null) =>
      history.list({ suite, cursor, limit: 2 }).map(({ runId }) => runId);
    expect(ids(null)).toEqual(["r4", "r3"]);
    expect(ids("r3")).toEqual(["r2", "r1"]);
    expect(ids("r1")).toEqual([]);
    expect(ids("never")).toEqual([]);
    expect(ids(null, "all")).toEqual(["r3", "r2"]);
  });

  it("knows which runs were not finished, and which one was the last go of the whole suite", () => {
    using history = open();
    for (const runId of ["r1", "r2", "r3"]) begin(history, runId);
    end(history, "r1");
    end(history, "r2", { decision: "no-go" });
    history.begin(startOf("part"), summaryOf({ runId: "part" }), true);
    end(history, "part");
    expect(history.unfinished().map(({ runId }) => runId)).toEqual(["r3"]);
    expect(history.lastGo("all")?.runId).toBe("r1");
    expect(history.lastGo("other")).toBeNull();
    expect(history.get("r2")?.summary.decision).toBe("no-go");
  });

  it("remembers the first run of a key", () => {
    using history = open();
    begin(history, "r1");
    begin(history, "r2");
    history.rememberKey("k", "r1");
    history.rememberKey("k", "r2");
    expect(history.runOfKey("k")).toBe("r1");
    expect(history.runOfKey("other")).toBeNull();
  });

  it("keeps flags, and an audit log that nobody can change", () => {
    {
      using history = open();
      history.setFlag("paused", "by ci");
      history.setFlag("gone", "x");
      history.setFlag("gone", null);
      history.audit({ atMs: NOW, actor: "ci", action: "pause", detail: "" });
    }
    using history = open();
    expect([history.flag("paused"), history.flag("gone")]).toEqual(["by ci", null]);
    expect(history.auditEntries()).toEqual([{ atMs: NOW, actor: "ci", action: "pause", detail: "" }]);
    history[Symbol.dispose]();
    const database = new DatabaseSync(path);
    for (const sql of ["DELETE FROM audit", "UPDATE audit SET actor = 'me'"]) {
      expect(() => database.exec(sql)).toThrow("append only");
    }
    database.close();
  });

  it("loses at most the last batch when the process is killed, and nothing that was finished", () => {
    const script = `
      import { History } from ${JSON.stringify(join(import.meta.dirname, "../../src/store/history.ts"))};
      const { history } = History.open(${JSON.stringify(path)});
      const record = ${JSON.stringify(passing(0))};
      history.begin(${JSON.stringify(startOf("r1"))}, ${JSON.stringify(summaryOf({ runId: "r1", status: "running" }))}, false);
      for (let seq = 0; seq < 250; seq += 1) history.record("r1", { ...record, seq });
      process.kill(process.pid, "SIGKILL");`;
    const { signal } = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", script]);
    expect(signal).toBe("SIGKILL");
    using history = open();
    expect(history.results("r1", ALL).map(({ seq }) => seq)).toEqual(
      Array.from({ length: 200 }, (_, seq) => seq),
    );
    expect(history.unfinished()).toHaveLength(1);
  });
});

describe("a history that cannot be used", () => {
  it("is in use by another process", () => {
    using _history = open();
    const script = `
      import { History } from ${JSON.stringify(join(import.meta.dirname, "../../src/store/history.ts"))};
      console.log(JSON.stringify(History.open(${JSON.stringify(path)})));`;
    const { stdout } = spawnSync(process.execPath, ["--input-type=module-typescript", "-e", script], {
      encoding: "utf8",
    });
    expect(JSON.parse(stdout)).toMatchObject({ kind: "refused", why: "locked" });
    expect(stdout).toContain(path);
  });

  it("was written by a newer release, and is left as it is", () => {
    open()[Symbol.dispose]();
    const database = new DatabaseSync(path);
    database.exec(`PRAGMA user_version=${MIGRATIONS.length + 1}`);
    database.close();
    expect(History.open(path)).toMatchObject({ kind: "refused", why: "newer" });
  });

  it("is damaged, or no database at all", () => {
    {
      using history = open();
      begin(history, "r1");
    }
    truncateSync(path, 100);
    expect(History.open(path)).toMatchObject({ kind: "refused", why: "corrupt" });
    const text = join(folder, "text.db");
    writeFileSync(text, "no database ".repeat(1000));
    expect(History.open(text)).toMatchObject({ kind: "refused", why: "corrupt" });
  });

  it("is damaged where a start would read it, though it begins as it should", () => {
    {
      using history = open();
      for (let index = 0; index < 20; index += 1) begin(history, `r${index}`);
      history.flush();
    }
    const whole = readFileSync(path);
    const pages = whole.length / 4096;
    expect(pages).toBeGreaterThan(10);
    const damaged = Array.from({ length: pages - 2 }, (_, index) => index + 2).filter((page) => {
      writeFileSync(
        path,
        Buffer.concat([
          whole.subarray(0, page * 4096),
          Buffer.alloc(4096, 7),
          whole.subarray((page + 1) * 4096),
        ]),
      );
      const opened = History.open(path);
      if (opened.kind === "open") {
        using history = opened.history;
        expect(history.unfinished()).toHaveLength(20);
      } else expect(opened).toMatchObject({ why: "corrupt", message: expect.stringContaining(path) });
      return opened.kind === "refused";
    });
    expect(damaged.length).toBeGreaterThan(5);
  });

  it("cannot be written where a file stands in the way of its folder", () => {
    writeFileSync(join(folder, "data"), "");
    const refused = History.open(path);
    expect(refused).toMatchObject({ kind: "refused", why: "unwritable" });
    expect(refused.kind === "refused" && refused.message).toContain(path);
  });

  it("says so when the disk is full, and keeps what it has", () => {
    const opened = openDatabase(path);
    if (opened.kind !== "open") throw new Error(opened.message);
    using history = new History(opened.database);
    begin(history, "r1");
    history.record("r1", passing(0));
    history.flush();
    const { page_count } = opened.database.prepare("PRAGMA page_count").get() ?? {};
    opened.database.exec(`PRAGMA max_page_count=${page_count}`);
    const fill = () => {
      for (let seq = 1; seq < 1000; seq += 1) history.record("r1", passing(seq));
    };
    expect(fill).toThrow("full");
    // What is there can be read all the same, and whoever finishes learns that it is not all.
    expect(history.results("r1", ALL)).toEqual([passing(0)]);
    expect([...history.inPlanOrder("r1")]).toEqual([passing(0)]);
    expect([...history.inPlanOrder("a run that could not begin")]).toEqual([]);
    expect(() => end(history, "r1")).toThrow("full");
    opened.database.exec("PRAGMA max_page_count=100000");
    expect(history.result("r1", 0)).toEqual(passing(0));
    history.flush();
    expect(history.results("r1", ALL).length).toBeGreaterThan(1);
  });

  it("can be closed although the disk is full", () => {
    const opened = openDatabase(path);
    if (opened.kind !== "open") throw new Error(opened.message);
    const history = new History(opened.database);
    begin(history, "r1");
    const { page_count } = opened.database.prepare("PRAGMA page_count").get() ?? {};
    opened.database.exec(`PRAGMA max_page_count=${page_count}`);
    for (let seq = 0; seq < 99; seq += 1) history.record("r1", passing(seq));
    history[Symbol.dispose]();
    expect(opened.database.isOpen).toBe(false);
  });
});

describe("a migration", () => {
  it("is applied to what an older release wrote, once", () => {
    {
      using history = open();
      begin(history, "r1");
    }
    const more = [...MIGRATIONS, "CREATE TABLE added (x INTEGER) STRICT"];
    for (const _again of [1, 2]) {
      const opened = openDatabase(path, more);
      if (opened.kind !== "open") throw new Error(opened.message);
      expect(opened.database.prepare("SELECT count(*) AS n FROM runs").get()).toMatchObject({ n: 1 });
      opened.database.exec("INSERT INTO added VALUES (1)");
      opened.database.close();
    }
  });

  it("that fails leaves the database as it was", () => {
    open()[Symbol.dispose]();
    expect(openDatabase(path, [...MIGRATIONS, "CREATE TABLE half (x INTEGER); NOT SQL"])).toMatchObject({
      kind: "refused",
    });
    const opened = openDatabase(path, [...MIGRATIONS, "CREATE TABLE half (x INTEGER)"]);
    expect(opened.kind).toBe("open");
    if (opened.kind === "open") opened.database.close();
  });
});

describe("retention", () => {
  const run = (history: History, index: number, changes: Partial<RunSummary> = {}, ageDays = 0) => {
    const runId = `r${index}`;
    begin(history, runId, { startedAtMs: NOW - ageDays * DAY_MS });
    for (let seq = 0; seq < 4; seq += 1) history.record(runId, seq === 0 ? failing(seq) : passing(seq));
    end(history, runId, { decision: "no-go", ...changes });
  };
  const kept = (history: History) =>
    history
      .list({ suite: null, cursor: null, limit: 100 })
      .map(({ runId }) => [runId, history.results(runId, ALL).length] as const)
      .reverse();
  const ENDLESS = { keepRuns: 1000, keepDays: 1000, maxBytes: Number.MAX_SAFE_INTEGER };

  it("by count: failures outlive passes, and runs go when both are beyond it", () => {
    using history = open();
    for (let index = 1; index <= 6; index += 1) run(history, index);
    history.prune({ ...ENDLESS, keepRuns: 4 }, NOW);
    expect(kept(history)).toEqual([
      ["r3", 1],
      ["r4", 1],
      ["r5", 4],
      ["r6", 4],
    ]);
  });

  it("by age", () => {
    using history = open();
    for (const [index, age] of [12, 6, 4].entries()) run(history, index, {}, age);
    history.prune({ ...ENDLESS, keepDays: 10 }, NOW);
    expect(kept(history)).toEqual([
      ["r1", 1],
      ["r2", 4],
    ]);
  });

  it("by size: the oldest go first, and the file does not grow without end", () => {
    using history = open();
    const limit = 200_000;
    for (let index = 0; index < 300; index += 1) {
      run(history, index);
      history.prune({ ...ENDLESS, maxBytes: limit }, NOW);
    }
    const runs = kept(history);
    expect(runs.length).toBeGreaterThan(5);
    expect(runs.length).toBeLessThan(300);
    expect(runs.at(-1)?.[0]).toBe("r299");
    history[Symbol.dispose]();
    expect(statSync(path).size).toBeLessThan(2 * limit);
  });

  it("ends the audit log by age, and that of refusals by number, but for its newest entries", () => {
    using history = open();
    const note = (action: string, atMs: number) =>
      history.audit({ atMs, actor: "ci", action, detail: String(atMs) });
    const counted = () => {
      const entries = history.auditEntries();
      const refused = entries.filter(({ action }) => action === "refused").length;
      return { refused, others: entries.length - refused };
    };
    for (let at = 0; at < 500; at += 1) note("trigger", NOW - 20 * DAY_MS);
    history.prune({ ...ENDLESS, keepDays: 10 }, NOW);
    expect(counted()).toEqual({ refused: 0, others: 500 });
    for (let at = 0; at < 800; at += 1) note("trigger", NOW);
    history.prune({ ...ENDLESS, keepDays: 10 }, NOW);
    expect(counted()).toEqual({ refused: 0, others: 1_000 });
    for (let at = 0; at < 10_500; at += 1) note("refused", NOW + at);
    history.prune({ ...ENDLESS, keepDays: 10 }, NOW);
    expect(counted()).toEqual({ refused: 10_000, others: 800 });
    expect(history.auditEntries().at(-1)?.detail).toBe(String(NOW + 10_499));
  });

  it("never takes the last go, nor a run that is not finished", () => {
    using history = open();
    run(history, 1, { decision: "go" }, 900);
    run(history, 2, { decision: "go" }, 800);
    begin(history, "running", { startedAtMs: NOW - 900 * DAY_MS });
    for (let index = 3; index < 6; index += 1) run(history, index);
    history.prune({ keepRuns: 1, keepDays: 1, maxBytes: 0 }, NOW);
    expect(kept(history).map(([runId]) => runId)).toEqual(["r2", "running"]);
  });
});

describe("a record in two parts", () => {
  it("is whole again, whatever its fields hold", () => {
    const sample = failing(7);
    const field = fc.constantFrom(...Object.keys(sample));
    fc.assert(
      fc.property(fc.dictionary(field, fc.jsonValue(), { noNullPrototype: true }), (changes) => {
        const record = JSON.parse(JSON.stringify({ ...sample, ...changes })) as ResultRecord;
        const { seq, device, verdict } = record;
        expect(joinRecord({ seq, device, verdict }, splitRecord(record))).toEqual(record);
      }),
    );
  });

  it("keeps nothing that tells devices apart in the part that many share", () => {
    const [a, b] = [splitRecord(passing(1)), splitRecord(passing(2))];
    expect(a.common).toBe(b.common);
    const error = { why: "service", code: "InternalFailureException" } as const;
    const [c, d] = [1, 2].map((request) =>
      splitRecord({
        ...passing(request),
        authorizerError: { ...error, message: `request ${request} failed` },
      }),
    );
    expect(c?.common).toBe(d?.common);
  });
});
