import type { Check } from "./check.ts";
import type { DeviceContext } from "./context.ts";
import type { Invocation } from "./invocation.ts";
import type { Outcome } from "./outcome.ts";
import type { Prediction } from "./prediction.ts";
import type { ReadyTarget } from "./target.ts";

/** Everything gathered about one check, for the detectors to look at. */
export interface Facts {
  readonly check: Check;
  readonly target: ReadyTarget;
  /** null where no context could be built. */
  readonly context: DeviceContext | null;
  readonly invocation: Invocation;
  readonly prediction: Prediction;
  readonly outcome: Outcome;
  readonly closeConfirmed: boolean;
  /** Wall clock, ms since the epoch. */
  readonly nowMs: number;
}

/** A check as far as it can be told before bare closes are confirmed. Times: monotonic, of the connection. */
export interface Examined {
  readonly facts: Omit<Facts, "closeConfirmed">;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
}
