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

/** Endings that a wrong way of connecting can have; the others say of themselves what happened. */
const SPOILT: ReadonlySet<CauseCode> = new Set([
  "TLS_FAILED",
  "GATEWAY_RESET",
  "GATEWAY_PROTOCOL_VIOLATION",
  "SERVER_CERTIFICATE_EXPIRED",
  "SERVER_CERTIFICATE_UNTRUSTED",
  "SERVER_CERTIFICATE_NAME",
]);

/** The connection ended in a way that how the device connects, or the domain it connects to, can explain. */
export function explicable({ outcome }: Facts): boolean {
  if (outcome.kind === "refused") return true;
  if (outcome.kind !== "unreachable" && outcome.kind !== "broken") return false;
  return SPOILT.has(outcome.cause) && outcome.transport.phasesMs.tls !== undefined;
}
