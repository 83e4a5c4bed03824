import type { Wire } from "../model/context.ts";
import type { AuthorizerAnswer } from "../model/invocation.ts";
import type { Prediction } from "../model/prediction.ts";
import type { Secret } from "../model/secret.ts";
import type { ResourceOwner } from "./arn.ts";
import { evaluate, type PolicyRequest } from "./evaluate.ts";

export interface AskInput {
  readonly answer: AuthorizerAnswer;
  readonly target: ResourceOwner;
  readonly wire: Wire;
  /** Address the gateway sees; null: not known. */
  readonly sourceIp: string | null;
  /** What `undecided`, which may quote the policies, is masked of. */
  readonly secrets: readonly Secret[];
}

/** One question to the policies of this answer. */
export type Ask = (action: string, resource: string, context: PolicyRequest["context"]) => Prediction;

/** Asks the returned documents what they say about this connection. */
export function asker({ answer, wire, sourceIp, secrets }: AskInput): Ask {
  const common = {
    ...(wire.tls.serverName === null ? {} : { "iot:DomainName": wire.tls.serverName }),
    ...(sourceIp === null ? {} : { "aws:SourceIp": sourceIp }),
  };
  return (action, resource, context) => {
    // A device that is not authenticated is granted nothing, whatever documents came along (DG custom-auth-lambda).
    if (!answer.isAuthenticated) return IMPLICIT_DENY;
    return evaluate(answer.policyDocuments, {
      action,
      resource,
      context: { ...common, ...context },
      secrets,
      clientCertificate: wire.tls.clientCertificate !== null,
    });
  };
}

/** The certificate's own policies are united with the returned ones (DG custom-auth-509cert): only a Deny is sure. */
export function besideCertificate({ wire, answer }: AskInput, prediction: Prediction): Prediction {
  if (wire.tls.clientCertificate === null || prediction.by === "explicit-deny" || !answer.isAuthenticated) {
    return prediction;
  }
  return unknown("the client certificate's own policies also count, and they are not known here");
}

/** All are needed: the first deny decides, without one the first that is unknown, else the first. */
export function allNeeded(predictions: readonly [Prediction, ...Prediction[]]): Prediction {
  const first = (decision: Prediction["decision"]) => predictions.find((each) => each.decision === decision);
  return first("deny") ?? first("unknown") ?? predictions[0];
}

/** One question under several readings: decided only where they agree. */
export function sameDecision(readings: readonly Prediction[], what: string): Prediction {
  const [first = IMPLICIT_DENY, ...rest] = readings;
  return rest.every(({ decision }) => decision === first.decision)
    ? first
    : unknown(`${what} is undocumented, and it decides`);
}

export const IMPLICIT_DENY: Prediction = {
  decision: "deny",
  by: "implicit-deny",
  document: null,
  statement: null,
  undecided: null,
};

export function unknown(why: string): Prediction {
  return { decision: "unknown", by: null, document: null, statement: null, undecided: why };
}
