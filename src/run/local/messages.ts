import type { Config } from "../../model/config.ts";
import type { Observation, Shard, ShardEnd, ShardReport } from "../../model/shard.ts";

/** What a local worker has to wait for at its parent, which alone knows the budgets. */
export type Ask =
  | { readonly kind: "take"; readonly target: string; readonly operation: string }
  | { readonly kind: "connect"; readonly target: string; readonly clientId: string | null };

/** From the parent to a local worker. Keys and ids are unique in one worker's life. */
export type ToWorker =
  | { readonly kind: "begin"; readonly config: Config; readonly location: string; readonly workers: number }
  | { readonly kind: "shard"; readonly key: number; readonly shard: Shard }
  | { readonly kind: "stop" | "abort"; readonly key: number }
  /** @property atMs wall clock: both processes read the same one */
  | { readonly kind: "granted"; readonly id: number; readonly atMs: number };

/** From a local worker to its parent. */
export type ToParent =
  | { readonly kind: "report"; readonly key: number; readonly report: ShardReport }
  | { readonly kind: "end"; readonly key: number; readonly end: ShardEnd }
  | { readonly kind: "ask"; readonly id: number; readonly ask: Ask }
  /** It waits for this no more, or has no use for it any more. */
  | { readonly kind: "release"; readonly id: number }
  | { readonly kind: "throttled"; readonly target: string; readonly operation: string }
  | { readonly kind: "observed"; readonly observations: readonly Observation[] };

/** The other end of a pipe between processes; messages arrive in order. */
export interface Channel<Out> {
  send(message: Out): void;
  /** Where messages go from now on; those that came before are kept until then. */
  onMessage(listener: (message: unknown) => void): void;
  /** Aborted when the other side is gone. */
  readonly closed: AbortSignal;
}
