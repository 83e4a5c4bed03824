import type { Cause, CauseCode } from "./causes.ts";
import type { DerivedKind } from "./check.ts";
import type { Drift } from "./drift.ts";
import type { Fingerprint } from "./fingerprint.ts";
import type { Counts, Decision, GateOutcome, GroupTally } from "./gate.ts";
import type { Outcome } from "./outcome.ts";
import type { PreflightFinding } from "./preflight.ts";
import type { AuthorizerWord } from "./result.ts";
import type { RunSample, SampleSize } from "./sample.ts";

export const RUN_STATUSES = ["queued", "running", "interrupted", "finished", "cancelled"] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** What a run was asked to test. */
export interface Selection {
  readonly suite: string;
  /** null: the suite's own (all where it names none). */
  readonly cohorts: readonly string[] | null;
  readonly devices: readonly string[] | null;
  /** How many checks of live devices may connect if it is safe (`--allow-device-identity`); 0: none. */
  readonly allowDeviceIdentity: number;
  /** Omitted: every device of the rest. */
  readonly sample?: SampleSize;
}

export interface AgreementCell {
  readonly authorizer: AuthorizerWord;
  readonly gateway: Outcome["kind"];
  readonly checks: number;
}

/** Failures and inconclusives by their first cause. */
export interface CauseGroup {
  readonly cause: Cause["code"];
  readonly verdict: "fail" | "inconclusive";
  /** What was corrupted on purpose; absent: nothing. */
  readonly derived?: DerivedKind;
  readonly checks: number;
  /** A few device ids. */
  readonly examples: readonly string[];
  readonly evidence: string;
  readonly nextStep: string;
}

/**
 * Quantiles in seconds. Phase `total` is the sum of a connection's phases, of those that the gateway accepted: a refusal
 * ends early and says nothing of how long devices take to get in. The other phases are of every connection that went
 * through them.
 */
export interface LatencyRow {
  readonly protocol: string;
  readonly phase: string;
  readonly samples: number;
  readonly p50: number;
  readonly p95: number;
  readonly p99: number;
  readonly max: number;
}

/** A run as it stands: live while it runs, final afterwards. */
export interface RunSummary {
  readonly runId: string;
  readonly suite: string;
  /** What of the suite was asked for. */
  readonly selection: Omit<Selection, "suite">;
  /** What was drawn of it; omitted: nothing was left out, or the plan is not made yet. */
  readonly sample?: RunSample;
  readonly status: RunStatus;
  /** null until it is finished. */
  readonly decision: Decision | null;
  readonly reason: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** ISO 8601; null until it has ended. */
  readonly decidedAt: string | null;
  readonly durationSeconds: number;
  readonly counts: Counts;
  readonly groups: readonly GroupTally[];
  readonly gate: GateOutcome | null;
  readonly agreement: readonly AgreementCell[];
  readonly causes: readonly CauseGroup[];
  readonly latency: readonly LatencyRow[];
  /** Checks of which times were left out, because this process was too busy to take them well; absent: none. */
  readonly timesDiscarded?: number;
  /** What was looked at before the first check, by target. */
  readonly preflight: readonly PreflightFinding[];
  /** Against the last go run of the suite; null: there is none, or it could not be compared, which is a note then. */
  readonly drift: Drift | null;
  /** What the decision is bound to; null until it is known, and where it could not be found out. */
  readonly fingerprint: Fingerprint | null;
  /** What went wrong with the run itself, each a sentence. */
  readonly notes: readonly string[];
}

/** Why checks of a run were not run. `NO_GO`: nothing could change the decision any more (`failFast`). */
export type StopReason = Extract<CauseCode, "DEADLINE_EXCEEDED" | "INTERRUPTED" | "TESTER_ERROR"> | "NO_GO";

/** What a trigger came to. `known`: the same key was used before; `joined`: the same selection is running. */
export type Triggered =
  | { readonly kind: "started" | "joined" | "known"; readonly run: RunSummary }
  /** Another selection of the suite is running. */
  | { readonly kind: "busy"; readonly runId: string; readonly reason: string }
  | { readonly kind: "draining" };
