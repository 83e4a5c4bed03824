import type { Cause, CauseCode } from "./causes.ts";
import type { Check } from "./check.ts";
import type { ConnectionState, GuardRecord, StateSource } from "./guard.ts";
import type { Invocation } from "./invocation.ts";
import type { Outcome, RefusedHow } from "./outcome.ts";
import type { Prediction } from "./prediction.ts";
import type { Access } from "./profile.ts";
import type { TopicAction, TopicProof } from "./proof.ts";
import type { SecondAttempt, Variation } from "./second-wave.ts";

export const VERDICTS = ["pass", "fail", "inconclusive", "skipped"] as const;
export type VerdictKind = (typeof VERDICTS)[number];

/** Ranked causes: the first is the one to act on. Empty for a pass. */
export interface Verdict {
  readonly kind: VerdictKind;
  readonly causes: readonly Cause[];
}

/** What was seen of one check, before it is judged. */
export interface Observation {
  readonly check: Check;
  readonly invocation: Invocation;
  readonly prediction: Prediction;
  readonly outcome: Outcome;
  readonly topics: readonly TopicProof[];
  readonly secondAttempts: readonly SecondAttempt[];
  readonly guard: GuardRecord | null;
}

export interface Result extends Observation {
  readonly verdict: Verdict;
  readonly location: string;
}

/** The authorizer's answer as reports and metrics name it. */
export type AuthorizerWord = "allowed" | "denied" | "errored" | "skipped";

export interface SecondAttemptRecord {
  readonly variation: Variation;
  readonly gateway: Outcome["kind"];
  readonly gatewayHow: RefusedHow | null;
  readonly gatewayCode: number | null;
}

/** One topic: what is expected of it, what the policy says and what the gateway did. */
export interface TopicFields {
  readonly action: TopicAction;
  readonly topic: string;
  readonly expected: Access;
  readonly predicted: Prediction["decision"];
  readonly gateway: TopicProof["gateway"];
  readonly evidence: string;
}

/** What was done about a client id that a live device may use. */
export interface GuardFields {
  readonly state: ConnectionState["kind"];
  /** The operation that told; null: none did. */
  readonly via: StateSource | null;
  /** What AWS said, or why the state is not known. */
  readonly evidence: string;
  readonly connected: boolean;
  readonly sessionPresent: boolean | null;
}

/** A result without its profile's credentials: what is stored, reported and sent (design 6.7). */
export interface ResultRecord {
  readonly seq: number;
  readonly device: string;
  readonly cohort: string;
  readonly target: string;
  readonly protocol: Check["protocol"];
  readonly mqttVersion: 4 | 5 | null;
  readonly location: string;
  readonly derived: Check["derived"];
  readonly expectation: Check["expectation"];
  readonly authorizer: AuthorizerWord;
  /** Name of the authorizer asked. */
  readonly authorizerName: string | null;
  readonly authorizerError: { readonly why: string; readonly code: string; readonly message: string } | null;
  /** Of the returned policy documents; null: none came. */
  readonly policyHash: string | null;
  readonly principalId: string | null;
  readonly refreshAfterSeconds: number | null;
  readonly disconnectAfterSeconds: number | null;
  readonly prediction: Prediction["decision"];
  readonly gateway: Outcome["kind"];
  readonly gatewayHow: "code" | "status" | "closed" | null;
  readonly gatewayCode: number | null;
  readonly gatewayReason: string | null;
  readonly verdict: VerdictKind;
  readonly causes: readonly Cause[];
  /** In the order of the profile, what a preset needs last; empty where nothing is expected of topics. */
  readonly topics: readonly TopicFields[];
  /** What became of the device with one thing changed, where it was kept out and something was worth a try. */
  readonly secondAttempts: readonly SecondAttemptRecord[];
  /** null: nothing was asked about the client id. */
  readonly guard: GuardFields | null;
  readonly tls: { readonly version: string; readonly cipher: string; readonly address: string } | null;
  readonly certificateExpiresAt: string | null;
  readonly timings: {
    readonly invokeSeconds: number | null;
    readonly phases: Readonly<Record<string, number>>;
    /** Left out above because our event loop lagged so much that they would be wrong; absent: nothing was. */
    readonly discarded?: readonly TimedPart[];
  };
}

export const TIMED_PARTS = ["invoke", "gateway"] as const;
/** What is timed of a check: the call of the API, the connection to the gateway. */
export type TimedPart = (typeof TIMED_PARTS)[number];

/** A judged check free of credentials, with what metrics count beyond the record: as one process tells it another. */
export interface JudgedCheck {
  readonly record: ResultRecord;
  /** The whole gateway connection; null: none was tried, or its times were discarded. */
  readonly connectionSeconds: number | null;
  /** Why the gateway was left alone; null: it was not. */
  readonly skippedFor: CauseCode | null;
}
