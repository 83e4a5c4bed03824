import type { CauseCode } from "../model/causes.ts";
import type { Facts } from "../model/facts.ts";

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
