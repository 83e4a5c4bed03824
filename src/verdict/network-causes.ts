import type { Outcome } from "../model/outcome.ts";
import type { Detector } from "./facts.ts";

/** What the connection itself ended with. */
export const connectionEnded: Detector = ({ outcome }) => {
  switch (outcome.kind) {
    case "unreachable":
    case "broken":
    case "skipped":
      return { code: outcome.cause, evidence: outcome.reason };
    default:
      return null;
  }
};

export const closedUnconfirmed: Detector = ({ outcome, closeConfirmed }) =>
  outcome.kind === "refused" && outcome.how === "closed" && !closeConfirmed
    ? { code: "GATEWAY_CLOSED_UNCONFIRMED", evidence: describeRefusal(outcome) }
    : null;

/** Last resort: refused, and nothing that was looked at says why. */
export const refusedUnexplained: Detector = ({ check, invocation, outcome }) => {
  if (outcome.kind !== "refused") return null;
  const isUnasked = check.asks !== undefined && invocation.kind === "skipped";
  const unasked = isUnasked ? "; this run did not ask the authorizer about this device" : "";
  return { code: "GATEWAY_REFUSED_UNEXPLAINED", evidence: `${describeRefusal(outcome)}${unasked}` };
};

/** What the gateway did, in words; a prober's reason says it best. */
export function describeRefusal({ how, code, reason }: Extract<Outcome, { kind: "refused" }>): string {
  if (reason !== null && reason !== "") return reason;
  switch (how) {
    case "code":
      return `CONNACK ${code}`;
    case "status":
      return `HTTP ${code}`;
    case "closed":
      return "closed without an answer";
  }
}
