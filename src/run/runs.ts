import { randomBytes } from "node:crypto";
import { wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { StoredRun } from "../model/history.ts";
import type { RunTimes } from "../model/latency.ts";
import type { RunSummary, Selection, Triggered } from "../model/run.ts";
import { HistoryMemory, type RunHistory, type RunMemory } from "./memory.ts";
import type { Run } from "./run.ts";

/** A run that was put together and not begun. */
export interface NewRun {
  readonly run: Run;
  /** Runs to the end; its final summary. */
  readonly execute: () => Promise<RunSummary>;
}

/** What a reload replaces, for runs to come. */
export interface RunsConfig {
  readonly suites: readonly string[];
  /** Of the configuration that decides: an interrupted run goes on only under the same one. */
  readonly configChecksum: string;
  readonly create: (runId: string, selection: Selection, memory: RunMemory) => NewRun;
}

export interface RunsOptions extends RunsConfig {
  readonly history: RunHistory;
  readonly isPartial: (selection: Selection) => boolean;
  readonly log: Log;
}

/** Finished runs remembered beside the history, which may be unable to take them. */
const KEEP = 200;

interface Entry {
  readonly selection: Selection;
  readonly run: Run;
  readonly finished: Promise<RunSummary>;
  /** null while it runs. */
  summary: RunSummary | null;
}

/** The daemon's runs: one at a time per suite, triggered by the API and the schedule alike, kept in the history. */
export class Runs {
  #options: RunsOptions;
  /** Of this process, oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #byKey = new Map<string, string>();
  /** Runs that have ended and whose end the history could not take yet. */
  readonly #unkept = new Set<string>();
  #draining = false;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Runs that are under way finish as they began. */
  reconfigure(config: RunsConfig): void {
    this.#options = { ...this.#options, ...config };
  }

  suites(): readonly string[] {
    return this.#options.suites;
  }

  /** @param actor who asks: a token's name, `schedule` */
  trigger(selection: Selection, idempotencyKey: string | null, actor: string): Triggered {
    const known = idempotencyKey === null ? null : this.#runOfKey(idempotencyKey);
    if (known) return { kind: "known", run: known };
    if (this.#draining) return { kind: "draining" };
    const running = this.#running(selection.suite);
    if (running) return this.#join(running, selection, idempotencyKey);
    const runId = newRunId();
    const start = {
      runId,
      selection,
      startedAtMs: wallMs(),
      actor,
      configChecksum: this.#options.configChecksum,
    };
    const memory = new HistoryMemory(this.#options.history, runId, null, this.#options.log);
    const entry = this.#add(runId, selection, memory, (created) =>
      memory.begin(start, created, this.#options.isPartial(selection)),
    );
    if (idempotencyKey !== null) this.rememberKey(idempotencyKey, runId);
    return { kind: "started", run: entry.run.summary() };
  }

  /** Goes on with what an earlier process began; what cannot go on is closed. Call it once, before any trigger. */
  resume(): void {
    const { history, log } = this.#options;
    for (const stored of history.unfinished()) {
      const { runId, selection } = stored;
      const memory = new HistoryMemory(history, runId, stored, log);
      const obstacle = this.#obstacle(stored);
      if (obstacle === null) {
        log.info({ runId, suite: selection.suite }, "resuming");
        this.#add(runId, selection, memory, () => {});
        continue;
      }
      log.warn({ runId, suite: selection.suite, reason: obstacle }, "not resumed");
      const { summary } = stored;
      const notes = [...summary.notes, `the run was interrupted and not resumed: ${obstacle}`];
      memory.finish({ ...summary, status: "cancelled", decision: null, reason: obstacle, notes });
    }
  }

  get(runId: string): RunSummary | null {
    const entry = this.#entries.get(runId);
    if (entry) return entry.summary ?? entry.run.summary();
    return this.#options.history.get(runId)?.summary ?? null;
  }

  /** How the times of a run of this process are spread; null: it is of an earlier one, or not known. */
  times(runId: string): RunTimes | null {
    return this.#entries.get(runId)?.run.times() ?? null;
  }

  /** Newest first. The cursor is the last run id of the page before. */
  list(cursor: string | null, limit: number): { items: RunSummary[]; nextCursor: string | null } {
    const page = this.#options.history.list({ suite: null, cursor, limit: limit + 1 });
    const items = page.slice(0, limit).map((stored) => this.get(stored.runId) ?? stored.summary);
    // What the history could not take is on the first page.
    const unsaved = cursor === null ? this.unsaved() : [];
    const last = page.length > limit ? (items.at(-1)?.runId ?? null) : null;
    return { items: [...unsaved, ...items], nextCursor: last };
  }

  /** Runs of this process that the history could not take, newest first. */
  unsaved(): RunSummary[] {
    const { history } = this.#options;
    return [...this.#entries.keys()]
      .filter((runId) => history.get(runId) === null)
      .reverse()
      .flatMap((runId) => this.get(runId) ?? []);
  }

  /** The run of the suite that is under way. */
  running(suite: string): RunSummary | null {
    return this.#running(suite)?.[1].run.summary() ?? null;
  }

  /** The run of the whole suite that is under way. */
  runningWhole(suite: string): RunSummary | null {
    const [, entry] = this.#running(suite) ?? [];
    return entry && !this.#options.isPartial(entry.selection) ? entry.run.summary() : null;
  }

  /** The newest run of the whole suite that has ended, of this process or of an earlier one. */
  lastWhole(suite: string): RunSummary | null {
    const own = [...this.#entries.values()].findLast(
      ({ selection, summary }) =>
        summary !== null && selection.suite === suite && !this.#options.isPartial(selection),
    );
    return own?.summary ?? this.#options.history.lastWhole(suite)?.summary ?? null;
  }

  /** The run that a key was used for, and what it was asked to test. */
  ofKey(key: string): { readonly run: RunSummary; readonly selection: Selection } | null {
    const run = this.#runOfKey(key);
    if (run === null) return null;
    const { runId } = run;
    const selection = this.#entries.get(runId)?.selection ?? this.#options.history.get(runId)?.selection;
    return selection === undefined ? null : { run, selection };
  }

  /** Something to be told of a run that has ended; kept with it. */
  remark(runId: string, text: string): void {
    const entry = this.#entries.get(runId);
    const summary = entry?.summary ?? this.#options.history.get(runId)?.summary ?? null;
    if (summary === null || summary.notes.includes(text)) return;
    const remarked = { ...summary, notes: [...summary.notes, text] };
    if (entry) entry.summary = remarked;
    try {
      this.#options.history.finish(runId, remarked);
    } catch (error) {
      this.#options.log.error({ runId, error: errorMessage(error) }, "the history cannot take a remark");
    }
  }

  /** Ends a run for good; null: there is none under way with this id. */
  cancel(runId: string): RunSummary | null {
    const entry = this.#entries.get(runId);
    if (entry === undefined || entry.summary !== null) return null;
    entry.run.cancel();
    return entry.run.summary();
  }

  /** The key stands for this run from now on. */
  rememberKey(key: string, runId: string): void {
    this.#byKey.set(key, runId);
    try {
      this.#options.history.rememberKey(key, runId);
    } catch (error) {
      this.#options.log.error(
        { runId, error: errorMessage(error) },
        "the history cannot take an idempotency key",
      );
    }
  }

  /** The final summary of a run of this process. */
  async finished(runId: string): Promise<RunSummary> {
    const entry = this.#entries.get(runId);
    if (entry === undefined) throw new Error(`unknown run ${runId}`);
    return entry.finished;
  }

  /** No more runs; those that run are stopped and waited for. */
  async drain(): Promise<void> {
    this.#draining = true;
    const running = [...this.#entries.values()].filter(({ summary }) => summary === null);
    for (const { run } of running) run.stop("INTERRUPTED");
    await Promise.all(running.map(({ finished }) => finished));
  }

  #obstacle({ selection, actor, configChecksum }: StoredRun): string | null {
    if (actor === "cli") return "it was started from the command line";
    if (!this.#options.suites.includes(selection.suite))
      return `there is no suite ${selection.suite} any more`;
    return configChecksum === this.#options.configChecksum ? null : "the configuration changed meanwhile";
  }

  #running(suite: string): [string, Entry] | undefined {
    return [...this.#entries].find(([, entry]) => entry.summary === null && entry.selection.suite === suite);
  }

  #join([runId, entry]: [string, Entry], selection: Selection, key: string | null): Triggered {
    if (!isSameSelection(entry.selection, selection)) {
      return { kind: "busy", runId, reason: `another selection of suite ${selection.suite} is running` };
    }
    if (key !== null) this.rememberKey(key, runId);
    return { kind: "joined", run: entry.run.summary() };
  }

  #add(runId: string, selection: Selection, memory: RunMemory, begin: (created: RunSummary) => void): Entry {
    const { run, execute } = this.#options.create(runId, selection, memory);
    begin(run.summary());
    const finished = execute();
    const entry: Entry = { selection, run, finished, summary: null };
    this.#entries.set(runId, entry);
    finished.then(
      (summary) => {
        entry.summary = summary;
        if (memory.problem !== null) this.#unkept.add(runId);
        this.#keepEnds();
        this.#forgetOldest();
      },
      (error: unknown) => {
        // A run catches its own errors; what comes here is a bug in how it was put together.
        this.#options.log.error({ runId, error: errorMessage(error) }, "run failed");
        entry.summary = { ...run.summary(), status: "interrupted" };
      },
    );
    return entry;
  }

  /** Else the next process would take them for interrupted and go on with them. */
  #keepEnds(): void {
    for (const runId of this.#unkept) {
      const summary = this.#entries.get(runId)?.summary ?? null;
      try {
        if (summary !== null) this.#options.history.finish(runId, summary);
        this.#unkept.delete(runId);
      } catch (error) {
        this.#options.log.warn(
          { runId, error: errorMessage(error) },
          "the history cannot take a run's end yet",
        );
        return;
      }
    }
  }

  #runOfKey(key: string): RunSummary | null {
    const runId = this.#byKey.get(key) ?? this.#options.history.runOfKey(key);
    return runId === null ? null : this.get(runId);
  }

  #forgetOldest(): void {
    for (const [runId, { summary }] of this.#entries) {
      if (this.#entries.size <= KEEP) break;
      if (summary !== null) this.#entries.delete(runId);
    }
    for (const [key, runId] of this.#byKey) if (!this.#entries.has(runId)) this.#byKey.delete(key);
  }
}

/** Sorts by time: `20261123T011729Z-4f1c9a`. */
export function newRunId(): string {
  const time = new Date(wallMs()).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${time}-${randomBytes(3).toString("hex")}`;
}

function isSameSelection(a: Selection, b: Selection): boolean {
  const isSameSize = JSON.stringify(a.sample) === JSON.stringify(b.sample);
  return (
    a.suite === b.suite && isSameSize && sameNames(a.cohorts, b.cohorts) && sameNames(a.devices, b.devices)
  );
}

function sameNames(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && [...a].sort().join("\n") === [...b].sort().join("\n");
}
