import type { Shard, ShardEnd, ShardReport } from "../../model/shard.ts";

export interface Signals {
  /** Aborted: start nothing more; what is in flight finishes. */
  readonly stop: AbortSignal;
  /** Aborted: give up what is in flight too. */
  readonly abort: AbortSignal;
}

/** Where the shards of a run are worked on. */
export interface ShardQueue extends AsyncDisposable {
  /** Shards that may be under way at once. */
  readonly lanes: number;
  /** How long workers may refuse a run while none takes it. */
  readonly refusalsMs: number;
  /**
   * Has a shard worked on by somebody, and passes on what is told of it, at least once and from whoever worked on it.
   * Never throws; resolves after the last report, when both signals are aborted soon after.
   */
  work(shard: Shard, onReport: (report: ShardReport) => void, signals: Signals): Promise<ShardEnd>;
}
