import type { CauseCode } from "../model/causes.ts";
import type { Check } from "../model/check.ts";
import type { DeviceContext } from "../model/context.ts";
import type { Invocation } from "../model/invocation.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Prediction } from "../model/prediction.ts";
import type { ReadyTarget } from "../model/target.ts";

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

/** What a detector found. `evidence` holds no secret; text from outside was scrubbed where it came in. */
export interface Finding {
  readonly code: CauseCode;
  readonly evidence: string;
}

/** Looks at the facts for one cause; null: not this one. Pure. */
export type Detector = (facts: Facts) => Finding | null;

/** The device did not get in although the gateway (or TLS in front of it) answered. */
export function keptOut({ outcome }: Facts): boolean {
  return outcome.kind === "refused" || (outcome.kind === "unreachable" && outcome.tlsAlert);
}

export function hungUp({ outcome }: Facts): boolean {
  return (
    (outcome.kind === "refused" && outcome.how === "closed") ||
    (outcome.kind === "unreachable" && outcome.tlsAlert)
  );
}
