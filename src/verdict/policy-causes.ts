import { unprovenFields } from "../lib/unproven.ts";
import type { Facts } from "../model/facts.ts";
import type { Detector } from "./facts.ts";

const connectDenied: Detector = (facts) => {
  const { check, invocation, prediction } = facts;
  if (check.expectation !== "allow" || invocation.kind !== "allowed") return null;
  if (prediction.decision !== "deny") return null;
  return {
    code: check.protocol === "https" ? "POLICY_PUBLISH_DENIED" : "POLICY_CONNECT_DENIED",
    evidence: `${actionOf(facts)} is denied: ${whatDecided(facts)}`,
  };
};

const undecidable: Detector = ({ invocation, prediction }) =>
  invocation.kind === "allowed" && prediction.decision === "unknown"
    ? { code: "POLICY_UNDECIDABLE", evidence: prediction.undecided ?? "the policy was not evaluated" }
    : null;

function actionOf({ check }: Facts): string {
  return check.protocol === "https"
    ? `iot:Publish on topic/${check.profile.topic}`
    : `iot:Connect on client/${check.profile.clientId}`;
}

function whatDecided({ prediction }: Facts): string {
  return prediction.by === "explicit-deny"
    ? `statement ${prediction.statement} of document ${prediction.document} denies it`
    : "no statement allows it";
}

export const POLICY_DETECTORS: readonly Detector[] = [connectDenied];
export const POLICY_DOUBTS: readonly Detector[] = [undecidable];

/** Expectations about topics are accepted but not yet put to the proof: they must not count as met. */
export const unprovenExpectation: Detector = ({ check }) => {
  const asked = unprovenFields(check.profile.expect);
  if (asked.length === 0) return null;
  return { code: "POLICY_UNDECIDABLE", evidence: `${asked.join(", ")}: not yet available, so not proven` };
};
