import type { CauseCode, Fault } from "./causes.ts";
import type { Decision } from "./gate.ts";
import type { ResultRecord } from "./result.ts";
import type { RunStatus } from "./run.ts";

/** One run of a suite as a point in time: what a timeline shows of it. */
export interface RunPoint {
  readonly runId: string;
  readonly status: RunStatus;
  /** null until it is finished. */
  readonly decision: Decision | null;
  /** false: of some cohorts or devices, or of a sample. */
  readonly isWhole: boolean;
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601; null until it has ended. */
  readonly decidedAt: string | null;
  readonly durationSeconds: number;
  readonly checks: number;
  readonly pass: number;
  readonly fail: number;
  readonly inconclusive: number;
  readonly skipped: number;
  /** Seconds until the gateway's answer, over all protocols; null: nothing was timed, or it was not kept. */
  readonly connectP95: number | null;
  /** Seconds, as above. */
  readonly authorizerP95: number | null;
}

export interface ListPage<T> {
  readonly items: readonly T[];
  /** null: this is the last page. */
  readonly nextCursor: string | null;
}

/** A result with the run that it is of. */
export interface DeviceResult extends ResultRecord {
  readonly runId: string;
  /** Of the run; ISO 8601. */
  readonly startedAt: string;
}

/** The newest run of a whole suite that was a go. */
export interface LastGo {
  readonly runId: string;
  readonly decidedAt: string | null;
}

/**
 * `critical`: somebody gets in who must be kept out. `error`: devices do not get in, or not as expected. `notice`: it
 * lies with fleet-smoke's own access, a guard or fleet-smoke itself, and never makes a check fail.
 */
export type CauseSeverity = "critical" | "error" | "notice";

/** A cause as docs/causes.md explains it. */
export interface CauseGuide {
  readonly code: CauseCode;
  readonly fault: Fault;
  readonly severity: CauseSeverity;
  readonly meaning: string;
  readonly nextStep: string;
  /** Place in the documentation that comes with fleet-smoke. */
  readonly docs: string;
  /** AWS's page about it; null: there is none. */
  readonly reading: string | null;
}
