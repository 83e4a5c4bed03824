import type { Rate } from "./rate.ts";

/** One operation's tokens. */
export interface Bucket {
  /** Waits for one token; when aborted it throws the signal's reason. */
  take(signal: AbortSignal): Promise<void>;
  /** A call was throttled: nothing for `ms`, then fewer for a while. */
  throttled(ms: number): void;
  set(rate: Rate): void;
  /** Keeps the lower of both limits. */
  lower(rate: Rate): void;
}

/** Never two connections with one client id at once, nor shortly after each other. */
export interface Turns {
  /** Waits for the id's turn, for connections of at most `longestMs`. */
  take(id: string, longestMs: number, signal: AbortSignal): Promise<void>;
  /** Is the turn sure to last for another connection? */
  holds(id: string, longestMs: number): boolean;
  /** Ends a turn in which nothing was connected. */
  giveBack(id: string): void;
  /** Ends a turn: the connection is over. */
  end(id: string): void;
  isTaken(id: string): boolean | Promise<boolean>;
}

export interface SharedPacing {
  readonly bucket: (key: string, rate: Rate) => Bucket;
  readonly turns: Turns;
}
