import type { CauseCode } from "./causes.ts";
import type { VerdictKind } from "./result.ts";
import type { RunSummary, Selection } from "./run.ts";

/** What is known of a run when it begins. */
export interface RunStart {
  readonly runId: string;
  readonly selection: Selection;
  readonly startedAtMs: number;
  /** Who asked for it: a token's name, `schedule`, `cli`. */
  readonly actor: string;
  /** Of the configuration that decides: a run is resumed only under the same one. */
  readonly configChecksum: string;
}

/** A run as the history holds it. */
export interface StoredRun extends RunStart {
  /** Of the profile sources; null: the run was ended before it had read them. */
  readonly fleetChecksum: string | null;
  /** As last written: final where its status is. */
  readonly summary: RunSummary;
}

export interface ResultsQuery {
  readonly verdict: VerdictKind | null;
  /** First cause. */
  readonly cause: CauseCode | null;
  /** Results after this place in the plan; null: from the first. */
  readonly afterSeq: number | null;
  readonly limit: number;
}

/** Who did what, and why; entries are never changed. */
export interface AuditEntry {
  readonly atMs: number;
  readonly actor: string;
  readonly action: string;
  readonly detail: string;
}

export interface Retention {
  readonly keepRuns: number;
  readonly keepDays: number;
  readonly maxBytes: number;
}
