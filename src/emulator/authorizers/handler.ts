import type { AuthorizerEvent } from "./event.ts";

/** Which of the two asks: a table may answer them differently, which is how the two faces disagree. */
export type Face = "api" | "gateway";

export interface HandlerContext {
  readonly face: Face;
  readonly functionArn: string;
  /** Aborted when the time is up or the emulator stops. */
  readonly signal: AbortSignal;
  readonly remainingMs: () => number;
}

/** An authorizer's code. Answers what it answered, whatever that is; throws or rejects where it threw. */
export type Handler = (event: AuthorizerEvent, context: HandlerContext) => unknown;
