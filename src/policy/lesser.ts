import type { Wire } from "../model/context.ts";
import type { Json } from "../model/invocation.ts";
import type { LesserPredictions, Prediction } from "../model/prediction.ts";
import { type PredictInput, predictConnect } from "./predict.ts";

/**
 * Asks once more with less in the question, where the prediction is no allow: does the decision hang on the will and
 * the session (DG connect-policy), or on a condition? What there is nothing of to leave out is not asked.
 */
export function predictLesser(input: PredictInput, prediction: Prediction): LesserPredictions {
  if (prediction.decision === "allow" || !input.answer.isAuthenticated) return NOT_ASKED;
  const plain = withoutWillAndSession(input.wire);
  const { policyDocuments } = input.answer;
  const unconditional = policyDocuments.map(withoutConditions);
  const isConditional = unconditional.some((each, index) => each !== policyDocuments[index]);
  return {
    willAndSession: plain && predictConnect({ ...input, wire: plain }),
    conditions: isConditional
      ? predictConnect({ ...input, answer: { ...input.answer, policyDocuments: unconditional } })
      : null,
  };
}

export const NOT_ASKED: LesserPredictions = { willAndSession: null, conditions: null };

function withoutWillAndSession(wire: Wire): Wire | null {
  if (wire.kind === "https") return null;
  const { will, cleanSession, sessionExpirySeconds } = wire.connect;
  if (will === null && cleanSession && sessionExpirySeconds === 0) return null;
  return { ...wire, connect: { ...wire.connect, will: null, cleanSession: true, sessionExpirySeconds: 0 } };
}

/** Each Allow as if its conditions were met, each Deny as if they were not; the same document where it has none. */
function withoutConditions(document: Json): Json {
  if (!isObject(document) || document.Statement === undefined) return document;
  const { Statement: statement } = document;
  const statements: readonly Json[] = Array.isArray(statement) ? statement : [statement as Json];
  if (!statements.some(isConditional)) return document;
  const kept = statements.filter((each) => !(isConditional(each) && each.Effect === "Deny"));
  return { ...document, Statement: kept.map((each) => (isConditional(each) ? unconditional(each) : each)) };
}

type JsonObject = { readonly [key: string]: Json };

function unconditional({ Condition: _, ...rest }: JsonObject): Json {
  return rest;
}

function isConditional(statement: Json): statement is JsonObject {
  return isObject(statement) && statement.Condition !== undefined;
}

function isObject(value: Json): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
