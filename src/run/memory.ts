import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Comparison } from "../model/drift.ts";
import type { RunStart, StoredRun } from "../model/history.ts";
import type { RunTimes } from "../model/latency.ts";
import type { ResultRecord } from "../model/result.ts";
import type { LatencyRow, RunSummary } from "../model/run.ts";
import type { LetIn } from "./let-in.ts";

const LET_IN_FLAG = "let in by derived checks";

/** Where runs are kept. Writing throws where the disk or the database says no. */
export interface RunHistory {
  begin(start: RunStart, summary: RunSummary, isPartial: boolean): void;
  planned(runId: string, fleetChecksum: string): void;
  record(runId: string, record: ResultRecord): void;
  /** Without `times`, what is kept of them stays. */
  finish(runId: string, summary: RunSummary, times?: RunTimes): void;
  get(runId: string): StoredRun | null;
  list(query: {
    readonly suite: string | null;
    readonly cursor: string | null;
    readonly limit: number;
  }): readonly StoredRun[];
  unfinished(): readonly StoredRun[];
  lastWhole(suite: string): StoredRun | null;
  compare(runId: string, isComplete: boolean): Promise<Comparison | null>;
  rememberKey(key: string, runId: string): void;
  runOfKey(key: string): string | null;
  result(runId: string, seq: number): ResultRecord | null;
  inPlanOrder(runId: string): Iterable<ResultRecord>;
  flag(name: string): string | null;
  setFlag(name: string, value: string | null): void;
}

/** A comparison with the last go run, and that run's quantiles. */
export interface Compared extends Comparison {
  readonly latency: readonly LatencyRow[];
}

export type Comparing =
  | { readonly kind: "compared"; readonly compared: Compared }
  /** There is no go to compare with, or the run is not kept, or not whole. */
  | { readonly kind: "none" }
  /** `reason`: what the history said. */
  | { readonly kind: "failed"; readonly reason: string };

/** What one run remembers, and what an earlier process did of it. Nothing here throws. */
export interface RunMemory {
  /** Of the run that is resumed; null: it is a new one. */
  readonly earlier: StoredRun | null;
  /** Why the history will not be whole; null: it is. */
  readonly problem: string | null;
  planned(fleetChecksum: string): void;
  record(record: ResultRecord): void;
  finish(summary: RunSummary, times?: RunTimes): void;
  /**
   * Compares what was recorded with the last go run of the suite.
   *
   * @param isComplete every check of the plan was run
   */
  compare(isComplete: boolean): Promise<Comparing>;
  /** The result that an earlier process recorded. */
  result(seq: number): ResultRecord | null;
  results(): Iterable<ResultRecord>;
  /** Checks from which others were derived, by their places in the plan; null: they were not drawn yet. */
  origins(): readonly number[] | null;
  drawOrigins(seqs: readonly number[]): void;
  /** Corruptions that earlier runs saw let in. */
  letIn(): readonly LetIn[];
  keepLetIn(all: readonly LetIn[]): void;
}

/**
 * Keeps one run in a history. The first failure to write ends the keeping: the run itself goes on, and says that its
 * history is not whole.
 */
export class HistoryMemory implements RunMemory {
  readonly earlier: StoredRun | null;
  readonly #history: RunHistory;
  readonly #runId: string;
  readonly #log: Log;
  #problem: string | null = null;

  constructor(history: RunHistory, runId: string, earlier: StoredRun | null, log: Log) {
    this.#history = history;
    this.#runId = runId;
    this.earlier = earlier;
    this.#log = log;
  }

  get problem(): string | null {
    return this.#problem;
  }

  begin(start: RunStart, summary: RunSummary, isPartial: boolean): void {
    this.#write(() => this.#history.begin(start, summary, isPartial));
  }

  planned(fleetChecksum: string): void {
    this.#write(() => this.#history.planned(this.#runId, fleetChecksum));
  }

  record(record: ResultRecord): void {
    this.#write(() => this.#history.record(this.#runId, record));
  }

  finish(summary: RunSummary, times?: RunTimes): void {
    this.#write(() => {
      this.#history.finish(this.#runId, summary, times);
      // One that is resumed derives from the same checks again.
      if (summary.status !== "interrupted") this.#history.setFlag(this.#originsFlag, null);
    });
  }

  async compare(isComplete: boolean): Promise<Comparing> {
    // Told as that already.
    if (this.#problem !== null) return { kind: "none" };
    try {
      const comparison = await this.#history.compare(this.#runId, isComplete);
      if (comparison === null) return { kind: "none" };
      const { latency = [] } = this.#history.get(comparison.drift.since)?.summary ?? {};
      return { kind: "compared", compared: { ...comparison, latency } };
    } catch (error) {
      const reason = errorMessage(error);
      this.#log.error({ runId: this.#runId, error: reason }, "runs cannot be compared");
      return { kind: "failed", reason };
    }
  }

  result(seq: number): ResultRecord | null {
    return this.earlier === null ? null : this.#history.result(this.#runId, seq);
  }

  results(): Iterable<ResultRecord> {
    return this.earlier === null ? [] : this.#history.inPlanOrder(this.#runId);
  }

  origins(): readonly number[] | null {
    const drawn = this.earlier === null ? null : this.#history.flag(this.#originsFlag);
    return drawn === null ? null : (JSON.parse(drawn) as number[]);
  }

  drawOrigins(seqs: readonly number[]): void {
    this.#write(() => this.#history.setFlag(this.#originsFlag, JSON.stringify(seqs)));
  }

  letIn(): readonly LetIn[] {
    try {
      return JSON.parse(this.#history.flag(LET_IN_FLAG) ?? "[]") as LetIn[];
    } catch (error) {
      this.#log.error({ runId: this.#runId, error: errorMessage(error) }, "the history cannot be read");
      return [];
    }
  }

  keepLetIn(all: readonly LetIn[]): void {
    if (all.length === 0 && this.letIn().length === 0) return;
    const value = all.length === 0 ? null : JSON.stringify(all);
    this.#write(() => this.#history.setFlag(LET_IN_FLAG, value));
  }

  get #originsFlag(): string {
    return `origins of ${this.#runId}`;
  }

  #write(work: () => void): void {
    if (this.#problem !== null) return;
    try {
      work();
    } catch (error) {
      this.#problem = errorMessage(error);
      this.#log.error({ runId: this.#runId, error: this.#problem }, "the history cannot be written");
    }
  }
}

/** For a check that is no part of a run that is kept. */
export const NO_MEMORY: RunMemory = {
  earlier: null,
  problem: null,
  planned: () => {},
  record: () => {},
  finish: () => {},
  compare: async () => ({ kind: "none" }),
  result: () => null,
  results: () => [],
  origins: () => null,
  drawOrigins: () => {},
  letIn: () => [],
  keepLetIn: () => {},
};
