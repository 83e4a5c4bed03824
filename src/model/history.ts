import type { CauseCode } from "./causes.ts";
import type { Outcome } from "./outcome.ts";
import type { Protocol } from "./profile.ts";
import type { AuthorizerWord, ResultRecord, VerdictKind } from "./result.ts";
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

/** Which results; null: whatever it is. */
export interface ResultFilter {
  readonly verdict: VerdictKind | null;
  /** First cause. */
  readonly cause: CauseCode | null;
  readonly authorizer: AuthorizerWord | null;
  readonly gateway: Outcome["kind"] | null;
  readonly cohort: string | null;
  readonly protocol: Protocol | null;
  readonly device: string | null;
  /** true: of corrupted devices only; false: of devices as they are only. */
  readonly derived: boolean | null;
}

export interface ResultsQuery extends ResultFilter {
  /** Results after this place in the plan; null: from the first. */
  readonly afterSeq: number | null;
  readonly limit: number;
}

/** Results of one device, whatever run they are of. */
export interface DeviceQuery {
  /** Those after this place; null: from the newest. `run`: its number in the store. */
  readonly after: { readonly run: number; readonly seq: number } | null;
  readonly limit: number;
}

/** A result and the run it is of. */
export interface DeviceRow {
  /** Number in the store. */
  readonly run: number;
  readonly runId: string;
  readonly startedAtMs: number;
  readonly record: ResultRecord;
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
