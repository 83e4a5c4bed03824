import type { Check } from "./check.ts";
import type { DeviceContext } from "./context.ts";
import type { GuardRecord } from "./guard.ts";
import type { DefaultAuthorizer, Invocation } from "./invocation.ts";
import type { Outcome } from "./outcome.ts";
import type { LesserPredictions, Prediction } from "./prediction.ts";
import type { Preflight } from "./preflight.ts";
import type { TopicProof } from "./proof.ts";
import type { SecondAttempt } from "./second-wave.ts";
import type { ReadyTarget } from "./target.ts";

/** Everything gathered about one check, for the detectors to look at. */
export interface Facts {
  readonly check: Check;
  readonly target: ReadyTarget;
  /** null where no context could be built. */
  readonly context: DeviceContext | null;
  /** Whom the gateway will ask, and who says so; null: it was not looked for. */
  readonly authorizer: DefaultAuthorizer | null;
  readonly invocation: Invocation;
  readonly prediction: Prediction;
  /** What the prediction would be if the device asked for less, or no condition were in its way. */
  readonly lesser: LesserPredictions;
  readonly outcome: Outcome;
  /** What was asked about the target and the authorizer beforehand. */
  readonly preflight: Preflight;
  /** In the order of the profile's expectations; empty where it has none about topics. */
  readonly topics: readonly TopicProof[];
  /** What became of the same device with one thing changed; empty where nothing was tried. */
  readonly secondAttempts: readonly SecondAttempt[];
  readonly guard: GuardRecord | null;
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
