import type { Fingerprint } from "./fingerprint.ts";
import type { Counts, Decision } from "./gate.ts";
import type { Realm } from "./realm.ts";
import type { RunSummary } from "./run.ts";

/** Who turned an inconclusive decision into a pass, and why. */
export interface GateOverride {
  readonly actor: string;
  readonly reason: string;
}

/**
 * What a gate route says of a suite (design 6.4). `ok` is true for a go that is still valid and, with an override, for
 * an inconclusive one; nothing else is a pass.
 */
export interface GateAnswer {
  readonly suite: string;
  readonly decision: Decision | "running";
  readonly ok: boolean;
  /** null: the suite was never run. */
  readonly runId: string | null;
  readonly reason: string;
  /** Nothing was selected: exit code 5. */
  readonly nothingSelected: boolean;
  /** The weakest among the targets; null: not known yet. */
  readonly realm: Realm | null;
  /** ISO 8601; null while it runs. */
  readonly decidedAt: string | null;
  readonly expiresAt: string | null;
  readonly counts: Counts | null;
  /** Most frequent first causes, as UPPER_SNAKE codes; what a job is cancelled with. */
  readonly causes: readonly string[];
  readonly override: GateOverride | null;
}

/** What a decision is held against before it is passed on. */
export interface Circumstances {
  readonly maxAgeMs: number;
  readonly nowMs: number;
  /** As things are now; null: could not be found out. */
  readonly current: Fingerprint | null;
}

export interface GateAnswerInput extends Circumstances {
  readonly suite: string;
  /** The run of the suite that is under way. */
  readonly running: RunSummary | null;
  /** The newest run of the whole suite that has ended. */
  readonly last: RunSummary | null;
  readonly override: GateOverride | null;
}

/** A question to a gate that may trigger a run. */
export interface GateRequest {
  readonly suite: string;
  readonly idempotencyKey: string | null;
  /** Turns an inconclusive decision into a pass; it is recorded. */
  readonly override: GateOverride | null;
}

export type GateReply =
  | GateAnswer
  /** Another selection of the suite is running, or the key belongs to one. */
  | { readonly kind: "busy"; readonly runId: string; readonly reason: string }
  | { readonly kind: "draining" };
