import type { DatabaseSync, StatementSync } from "node:sqlite";
import { monotonicMs } from "../lib/clock.ts";
import type { Comparison } from "../model/drift.ts";
import type {
  AuditEntry,
  DeviceQuery,
  DeviceRow,
  ResultsQuery,
  Retention,
  RunStart,
  StoredRun,
} from "../model/history.ts";
import type { RunTimes } from "../model/latency.ts";
import type { RunPoint } from "../model/overview.ts";
import type { ResultRecord } from "../model/result.ts";
import type { RunSummary } from "../model/run.ts";
import { compareRuns } from "./comparison.ts";
import { openDatabase, type Unusable } from "./database.ts";
import { DerivedUses } from "./derived-uses.ts";
import { Latencies } from "./latencies.ts";
import { Outbox } from "./outbox.ts";
import { pointsOf } from "./points.ts";
import { splitRecord } from "./record-parts.ts";
import { ResultPages, resultRecord } from "./result-pages.ts";
import { prune } from "./retention.ts";

export type OpenedHistory =
  | { readonly kind: "open"; readonly history: History }
  | { readonly kind: "refused"; readonly why: Unusable; readonly message: string };

/** Results written in one transaction; what waits is lost with the process, and its checks are done again. */
const BATCH = 100;
/** Where results come slowly, each stands for a while of work. */
const MAX_WAIT_MS = 1_000;
/** Combinations of common fields remembered; what is not is looked up. */
const MAX_COMMONS = 10_000;

type Row = Readonly<Record<string, unknown>>;

/**
 * Runs and their results, in a database that this process owns. A result is written once for each run and place in
 * its plan. Methods throw what SQLite throws (`whyUnusable` says what it means); what was written before stays.
 */
export class History implements Disposable {
  /** What is to be told, until it was. */
  readonly outbox: Outbox;
  /** What identities were spent on lately. */
  readonly derivedUses: DerivedUses;
  /** How long things took in runs that have ended. */
  readonly latencies: Latencies;
  readonly #pages: ResultPages;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #waiting: { readonly run: number; readonly record: ResultRecord }[] = [];
  #waitingSinceMs = 0;
  readonly #commons = new Map<string, number>();
  /** The run of the newest result: many follow for it. */
  #recording: { readonly runId: string; readonly run: number } | null = null;

  static open(path: string): OpenedHistory {
    const opened = openDatabase(path);
    return opened.kind === "open" ? { kind: "open", history: new History(opened.database) } : opened;
  }

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.outbox = new Outbox(database);
    this.derivedUses = new DerivedUses(database);
    this.latencies = new Latencies(database);
    this.#pages = new ResultPages(database);
  }

  /** It goes with the process. */
  get isTemporary(): boolean {
    return this.#database.location() === null;
  }

  begin(start: RunStart, summary: RunSummary, isPartial: boolean): void {
    this.#run(
      `INSERT INTO runs (run_id, suite, status, decision, partial, started_at_ms, start, summary)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[start.runId, start.selection.suite, summary.status, summary.decision, Number(isPartial)],
      ...[Math.round(start.startedAtMs), JSON.stringify(start), JSON.stringify(summary)],
    );
  }

  /** The run has read its sources. */
  planned(runId: string, fleetChecksum: string): void {
    this.#run("UPDATE runs SET fleet_checksum = ? WHERE run_id = ?", fleetChecksum, runId);
  }

  /** Takes a result; it is on disk after the next batch, `flush` or `finish`. A second one for its place is ignored. */
  record(runId: string, record: ResultRecord): void {
    if (this.#waiting.length === 0) this.#waitingSinceMs = monotonicMs();
    if (this.#recording?.runId !== runId) this.#recording = { runId, run: this.#idOf(runId) };
    this.#waiting.push({ run: this.#recording.run, record });
    const isOld = monotonicMs() - this.#waitingSinceMs >= MAX_WAIT_MS;
    if (isOld || this.#waiting.length >= BATCH) this.flush();
  }

  flush(): void {
    if (this.#waiting.length === 0) return;
    this.#transaction(() => this.#writeWaiting());
    this.#waiting.length = 0;
  }

  /** Writes the summary together with what still waits; without `times`, what is kept of them stays. */
  finish(runId: string, summary: RunSummary, times?: RunTimes): void {
    this.#transaction(() => {
      this.#writeWaiting();
      this.#run(
        "UPDATE runs SET status = ?, decision = ?, summary = ? WHERE run_id = ?",
        ...[summary.status, summary.decision, JSON.stringify(summary), runId],
      );
      if (times !== undefined) this.latencies.keep(runId, times);
    });
    this.#waiting.length = 0;
  }

  get(runId: string): StoredRun | null {
    const row = this.#get("SELECT start, fleet_checksum, summary FROM runs WHERE run_id = ?", runId);
    return row === undefined ? null : storedRun(row);
  }

  /** Newest first, those before `cursor` (a run id of an earlier page). */
  list(query: {
    readonly suite: string | null;
    readonly cursor: string | null;
    readonly limit: number;
  }): StoredRun[] {
    return this.#all(
      `SELECT start, fleet_checksum, summary FROM runs
       WHERE (?1 IS NULL OR suite = ?1)
         AND id < coalesce((SELECT id FROM runs WHERE run_id = ?2), CASE WHEN ?2 IS NULL THEN 9e15 ELSE 0 END)
       ORDER BY id DESC LIMIT ?3`,
      ...[query.suite, query.cursor, query.limit],
    ).map(storedRun);
  }

  /** As `list` of one suite, as far as a timeline shows it. */
  points(query: {
    readonly suite: string;
    readonly cursor: string | null;
    readonly limit: number;
  }): RunPoint[] {
    return pointsOf(this.#database, query);
  }

  /** Runs whose process ended before they did, oldest first. */
  unfinished(): StoredRun[] {
    return this.#all(
      `SELECT start, fleet_checksum, summary FROM runs
       WHERE status IN ('queued', 'running', 'interrupted') ORDER BY id`,
    ).map(storedRun);
  }

  /** The newest run of the whole suite that was a go; null: none. */
  lastGo(suite: string): StoredRun | null {
    const row = this.#get(
      `SELECT start, fleet_checksum, summary FROM runs
       WHERE suite = ? AND decision = 'go' AND status = 'finished' AND partial = 0 ORDER BY id DESC LIMIT 1`,
      suite,
    );
    return row === undefined ? null : storedRun(row);
  }

  /** The newest run of the whole suite that has ended, well or not; null: none. */
  lastWhole(suite: string): StoredRun | null {
    const row = this.#get(
      `SELECT start, fleet_checksum, summary FROM runs
       WHERE suite = ? AND partial = 0 AND status NOT IN ('queued', 'running') ORDER BY id DESC LIMIT 1`,
      suite,
    );
    return row === undefined ? null : storedRun(row);
  }

  /**
   * Compares a run with the newest go of its whole suite before it; null: there is none. Takes a while for large runs,
   * during which others get their turns.
   */
  async compare(runId: string, isComplete: boolean): Promise<Comparison | null> {
    this.flush();
    const row = this.#get("SELECT id, suite, partial FROM runs WHERE run_id = ?", runId);
    if (row === undefined) return null;
    const before = this.#get(
      `SELECT id, run_id FROM runs WHERE suite = ? AND id < ?
         AND decision = 'go' AND status = 'finished' AND partial = 0 ORDER BY id DESC LIMIT 1`,
      ...[String(row.suite), Number(row.id)],
    );
    if (before === undefined) return null;
    return compareRuns(this.#database, {
      now: Number(row.id),
      before: Number(before.id),
      since: String(before.run_id),
      isWhole: isComplete && row.partial === 0,
    });
  }

  /** What is on disk of one place in the plan. */
  result(runId: string, seq: number): ResultRecord | null {
    const row = this.#get(
      `SELECT seq, device, verdict, own, fields FROM results JOIN commons ON commons.id = common
       WHERE run = ? AND seq = ?`,
      ...[this.#idOf(runId), seq],
    );
    return row === undefined ? null : resultRecord(row);
  }

  /** One page in plan order. */
  results(runId: string, query: ResultsQuery): ResultRecord[] {
    this.#flushIfPossible();
    return this.#pages.page(this.#idOf(runId), query);
  }

  /** Of one device over all runs, the newest run first. */
  ofDevice(device: string, query: DeviceQuery): DeviceRow[] {
    this.#flushIfPossible();
    return this.#pages.ofDevice(device, query);
  }

  /** All that is kept of a run, in plan order, a row at a time. */
  *inPlanOrder(runId: string): Generator<ResultRecord> {
    this.#flushIfPossible();
    // A statement of its own: a cached one would be reset by whoever uses it meanwhile.
    const rows = this.#database.prepare(
      `SELECT seq, device, verdict, own, fields FROM results JOIN commons ON commons.id = common
       WHERE run = ? ORDER BY seq`,
    );
    const run = this.#get("SELECT id FROM runs WHERE run_id = ?", runId);
    // Of a run that could not even begin to be kept there is nothing.
    for (const row of rows.iterate(run === undefined ? null : Number(run.id))) yield resultRecord(row);
  }

  rememberKey(key: string, runId: string): void {
    this.#run("INSERT INTO keys (key, run) VALUES (?, ?) ON CONFLICT DO NOTHING", key, this.#idOf(runId));
  }

  runOfKey(key: string): string | null {
    const row = this.#get("SELECT run_id FROM keys JOIN runs ON runs.id = run WHERE key = ?", key);
    return row === undefined ? null : String(row.run_id);
  }

  audit({ atMs, actor, action, detail }: AuditEntry): void {
    this.#run(
      "INSERT INTO audit (at_ms, actor, action, detail) VALUES (?, ?, ?, ?)",
      ...[Math.round(atMs), actor, action, detail],
    );
  }

  /** Oldest first. */
  auditEntries(): AuditEntry[] {
    return this.#all("SELECT at_ms, actor, action, detail FROM audit ORDER BY id").map((row) => ({
      atMs: Number(row.at_ms),
      actor: String(row.actor),
      action: String(row.action),
      detail: String(row.detail),
    }));
  }

  flag(name: string): string | null {
    const row = this.#get("SELECT value FROM flags WHERE name = ?", name);
    return row === undefined ? null : String(row.value);
  }

  setFlag(name: string, value: string | null): void {
    if (value === null) this.#run("DELETE FROM flags WHERE name = ?", name);
    else
      this.#run(
        "INSERT INTO flags VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
        name,
        value,
      );
  }

  /** Forgets what is beyond the retention (retention.ts). */
  prune(retention: Retention, nowMs: number): void {
    this.#transaction(() => prune(this.#database, retention, nowMs));
  }

  [Symbol.dispose](): void {
    if (!this.#database.isOpen) return;
    this.#flushIfPossible();
    this.#database.close();
  }

  /** For reading and closing. What cannot be written waits on, and is told to whoever writes next or finishes. */
  #flushIfPossible(): void {
    try {
      this.flush();
    } catch {
      // A full disk is no reason to show nothing of what was written before.
    }
  }

  #writeWaiting(): void {
    for (const { run, record } of this.#waiting) {
      const { common, own } = splitRecord(record);
      this.#run(
        `INSERT INTO results (run, seq, device, verdict, cause, common, own) VALUES (?, ?, ?, ?, ?, ?, ?)
         ON CONFLICT DO NOTHING`,
        ...[run, record.seq, record.device, record.verdict, record.causes[0]?.code ?? null],
        ...[this.#commonId(common), own],
      );
    }
  }

  #commonId(fields: string): number {
    const known = this.#commons.get(fields);
    if (known !== undefined) return known;
    this.#run("INSERT INTO commons (fields) VALUES (?) ON CONFLICT DO NOTHING", fields);
    const id = Number(this.#get("SELECT id FROM commons WHERE fields = ?", fields)?.id);
    if (this.#commons.size >= MAX_COMMONS) this.#commons.clear();
    this.#commons.set(fields, id);
    return id;
  }

  #idOf(runId: string): number {
    const row = this.#get("SELECT id FROM runs WHERE run_id = ?", runId);
    if (row === undefined) throw new Error(`unknown run ${runId}`);
    return Number(row.id);
  }

  #transaction(work: () => void): void {
    this.#database.exec("BEGIN IMMEDIATE");
    try {
      work();
      this.#database.exec("COMMIT");
    } catch (error) {
      // What was found out inside the transaction is not there any more.
      this.#commons.clear();
      if (this.#database.isTransaction) this.#database.exec("ROLLBACK");
      throw error;
    }
  }

  #run(sql: string, ...values: Value[]): void {
    this.#prepared(sql).run(...values);
  }

  #get(sql: string, ...values: Value[]): Row | undefined {
    return this.#prepared(sql).get(...values);
  }

  #all(sql: string, ...values: Value[]): Row[] {
    return this.#prepared(sql).all(...values);
  }

  #prepared(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

type Value = string | number | null;

function storedRun({ start, fleet_checksum, summary }: Row): StoredRun {
  return {
    ...(JSON.parse(String(start)) as RunStart),
    fleetChecksum: fleet_checksum === null ? null : String(fleet_checksum),
    summary: JSON.parse(String(summary)) as RunSummary,
  };
}
