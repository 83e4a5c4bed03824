import type { Facts } from "../model/facts.ts";
import type { Json } from "../model/invocation.ts";
import type { Detector, Finding } from "./facts.ts";

/** Rows 10, 11, 26, 31: why the policy does not let the device in; only the closest reason of the three is named. */
const refusedByPolicy: Detector = (facts) => {
  const { check, invocation, prediction, outcome } = facts;
  if (check.expectation !== "allow" || invocation.kind !== "allowed") return null;
  if (prediction.decision === "allow") return null;
  const isSure = prediction.decision === "deny";
  if (isSure || outcome.kind === "refused") {
    const closer = willOrSession(facts) ?? condition(facts, invocation.answer.policyDocuments);
    if (closer !== null) return closer;
  }
  if (!isSure) return null;
  return {
    code: check.protocol === "https" ? "POLICY_PUBLISH_DENIED" : "POLICY_CONNECT_DENIED",
    evidence: `${actionOf(facts)} is denied: ${whatDecided(facts)}`,
  };
};

function willOrSession({ check, lesser, prediction }: Facts): Finding | null {
  if (lesser.willAndSession?.decision !== "allow") return null;
  const { will, cleanSession, sessionExpirySeconds } = check.profile.connect;
  const asks = [
    ...(will === null ? [] : [`its last will on ${will.topic}`]),
    ...(cleanSession && sessionExpirySeconds === 0 ? [] : ["its persistent session"]),
  ];
  const otherwise = prediction.decision === "deny" ? "it is denied" : "that is not sure";
  return {
    code: "POLICY_WILL_OR_SESSION",
    evidence: `the policy lets the device connect without ${asks.join(" and ")}; with it ${otherwise}`,
  };
}

function condition({ lesser, prediction }: Facts, documents: readonly Json[]): Finding | null {
  if (lesser.conditions?.decision !== "allow") return null;
  const keys = [...new Set(documents.flatMap(conditionsOf))];
  const why = prediction.undecided === null ? "" : `; ${prediction.undecided}`;
  return {
    code: "POLICY_CONDITION",
    evidence: `the policy allows it but for its conditions: ${keys.join(", ")}${why}`,
  };
}

/** Operators and keys of a document's conditions, for example `IpAddress aws:SourceIp`. */
function conditionsOf(document: Json): string[] {
  const statements = [entriesOf(document).find(([key]) => key === "Statement")?.[1] ?? []].flat() as Json[];
  return statements.flatMap((statement) => {
    const [, conditions = null] = entriesOf(statement).find(([key]) => key === "Condition") ?? [];
    return entriesOf(conditions).flatMap(([operator, keys]) =>
      entriesOf(keys).map(([key]) => `${operator} ${key}`),
    );
  });
}

function entriesOf(value: Json): [string, Json][] {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
}

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

export const POLICY_DETECTORS: readonly Detector[] = [refusedByPolicy];
export const POLICY_DOUBTS: readonly Detector[] = [undecidable];
