import type { CauseCode } from "../model/causes.ts";
import type { Counts, Decision, RuleResult } from "../model/gate.ts";
import type { GateAnswer } from "../model/gate-answer.ts";
import type { ResultRecord } from "../model/result.ts";
import type { LatencyRow, RunStatus } from "../model/run.ts";

/** What the API answers beyond the model's own types (docs/http.md, "What the dashboard reads"). */
export interface SuiteState {
  readonly suite: string;
  readonly answer: GateAnswer;
  /** Of the newest run of the whole suite that has ended. */
  readonly rules: readonly RuleResult[];
  /** Run that is under way. */
  readonly running: string | null;
  readonly lastGo: { readonly runId: string; readonly decidedAt: string | null } | null;
}

export interface RunPoint {
  readonly runId: string;
  readonly status: RunStatus;
  readonly decision: Decision | null;
  readonly isWhole: boolean;
  readonly startedAt: string;
  readonly decidedAt: string | null;
  readonly durationSeconds: number;
  readonly checks: number;
  readonly pass: number;
  readonly fail: number;
  readonly inconclusive: number;
  readonly skipped: number;
  /** Seconds. */
  readonly connectP95: number | null;
  readonly authorizerP95: number | null;
}

/** One phase over one protocol; seconds. */
export interface LatencyShape extends LatencyRow {
  /** Not cumulative, without gaps. */
  readonly buckets: readonly { readonly le: number; readonly count: number }[];
}

export interface DeviceResult extends ResultRecord {
  readonly runId: string;
  readonly startedAt: string;
}

export interface CauseMeaning {
  readonly code: CauseCode;
  readonly fault: string;
  readonly severity: "critical" | "error" | "notice";
  readonly meaning: string;
  readonly nextStep: string;
  readonly docs: string;
  readonly reading: string | null;
}

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

export interface Whole<T> {
  readonly items: readonly T[];
}

/** The data of a `progress` event. */
export interface Progress {
  readonly runId: string;
  readonly status: RunStatus;
  readonly counts: Counts;
}
