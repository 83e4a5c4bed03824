import type { Check } from "./check.ts";
import type { JudgedCheck } from "./result.ts";
import type { Decoy } from "./second-wave.ts";

/** A profile file as pass one read it. */
export interface SourceFile {
  /** As the configuration leads to it. */
  readonly name: string;
  /** Of its bytes; null: it could not be read. */
  readonly sha256: string | null;
}

/** A check as a shard names it: its profile, which may hold credentials, is looked up by whoever works on it. */
export type ShardCheck = Omit<Check, "profile"> & { readonly device: string };

/** What a shard is for. */
export type ShardTask =
  | { readonly kind: "first-wave" }
  /** Derives from `origins`, and tries the shard's other checks again with one thing changed each time. */
  | {
      readonly kind: "second-wave";
      /** Places in the plan of the checks to derive from, in the order in which derived checks are numbered. */
      readonly origins: readonly number[];
      /** Place of the first derived check. */
      readonly firstDerivedSeq: number;
      readonly decoys: readonly Decoy[];
      /** Derived connections within the last hour by identity. */
      readonly used: Readonly<Record<string, number>>;
    }
  /** Connects once more, to see whether the gateway answers; gives no results. */
  | { readonly kind: "confirmation" };

/**
 * A slice of a run's plan: the unit of work, of resuming and of distribution. It names devices and never holds a
 * credential. All checks of one client id within a stretch of the plan are in one shard, and shards with the same
 * `lane` are never under way at the same time.
 */
export interface Shard {
  /** Unique among the shards of its run. */
  readonly index: number;
  readonly runId: string;
  readonly suite: string;
  readonly task: ShardTask;
  readonly lane: number;
  /** In plan order. */
  readonly checks: readonly ShardCheck[];
  /** Of the plan's sources, in their order: who has others must not take it. */
  readonly files: readonly SourceFile[];
  /** Of targets, sources and suites. */
  readonly configChecksum: string;
  /** Vantage point; null: anywhere. */
  readonly location: string | null;
  /** Places in the plan that have their result already: only for a shard that is done again. */
  readonly done: readonly number[];
}

/**
 * What a connection tells about closes on the same target and protocol before it: `explicit` that they were refusals,
 * `down` that they were not; `closed` is one itself.
 */
export type GatewayWord = "explicit" | "closed" | "down" | "nothing";

/** What came of one check. */
export interface ShardResult {
  /** Where `unconfirmed` is not null: as it is if the close was a refusal. */
  readonly judged: JudgedCheck;
  /** As it is if nothing shows that the close was a refusal; null: nothing is left to be shown. */
  readonly unconfirmed: JudgedCheck | null;
  readonly word: GatewayWord;
  /** Whom derived connections would be made as; null: nothing may be derived. */
  readonly origin: string | null;
  /** Something is worth trying otherwise. */
  readonly retry: boolean;
  /** It got in, and may be connected again to see whether the gateway answers. */
  readonly mayConfirm: boolean;
}

/** What a worker did that counts in the metrics of whoever handed out the shard. */
export type Observation =
  | {
      readonly kind: "aws-request";
      readonly target: string;
      readonly operation: string;
      readonly code: string;
    }
  | { readonly kind: "budget-used"; readonly target: string; readonly operation: string }
  | { readonly kind: "credential-failure"; readonly cohort: string }
  | { readonly kind: "credential-expiry"; readonly cohort: string; readonly expiresAtMs: number };

/** What a worker tells while it works on a shard; it may be told twice. */
export type ShardReport =
  | { readonly kind: "result"; readonly result: ShardResult }
  /** A connection without a result of its own. */
  | {
      readonly kind: "witness";
      readonly target: string;
      readonly protocol: Check["protocol"];
      readonly word: GatewayWord;
    }
  /** Identities that a derived connection is made as. */
  | { readonly kind: "spent"; readonly identities: readonly string[] };

/** How a shard ended. */
export type ShardEnd =
  | {
      readonly kind: "done";
      /** Derived checks left out, because an identity was used for enough of them lately. */
      readonly capped: number;
      /** A stop came before every derived check was run. */
      readonly isCutShort: boolean;
    }
  /** The worker has other profiles or another configuration. */
  | { readonly kind: "refused"; readonly reason: string }
  /** The worker is gone; what it told holds. */
  | { readonly kind: "lost"; readonly reason: string };
