import type { Counts, Decision } from "./gate.ts";
import type { GateOverride } from "./gate-answer.ts";

/** A webhook of the configuration. */
export interface WebhookConfig {
  readonly url: string;
  /** Absolute path of the file that holds the key. */
  readonly secretFile: string;
  /** Of changes of a decision, those to these; overrides are always told. */
  readonly on: readonly Decision[];
}

/** A suite's decision changed: the body of a webhook. */
export interface DecisionChange {
  readonly event: "decision";
  readonly suite: string;
  readonly decision: Decision;
  /** null: the suite's first decision that is known. */
  readonly previous: Decision | null;
  readonly reason: string;
  readonly runId: string;
  readonly counts: Counts;
  /** ISO 8601. */
  readonly decidedAt: string;
  readonly expiresAt: string;
}

/** Somebody let a decision pass that was none: the body of a webhook. */
export interface OverrideNotice {
  readonly event: "override";
  readonly suite: string;
  readonly decision: "inconclusive";
  /** Why the decision is inconclusive. */
  readonly reason: string;
  readonly runId: string;
  readonly override: GateOverride;
  /** ISO 8601. */
  readonly overriddenAt: string;
}

export type Notification = DecisionChange | OverrideNotice;

/** A notification as it is posted. */
export interface Delivery {
  /** The same for the same notification, whoever posts it: receivers tell repetitions by it. */
  readonly id: string;
  readonly suite: string;
  readonly body: string;
}

/** Keeps deliveries until they were made, so that they outlive the process. Every method may throw. */
export interface Outbox {
  /** @param hook which of the configuration, without what is secret in its address; known already: does nothing */
  add(hook: string, delivery: Delivery): void;
  done(hook: string, id: string): void;
  /** In the order they were added. */
  pending(): readonly (Delivery & { readonly hook: string })[];
}
