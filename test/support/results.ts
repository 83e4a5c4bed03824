import type { CauseCode } from "../../src/model/causes.ts";
import type { ResultFilter } from "../../src/model/history.ts";
import type { Outcome, Transport } from "../../src/model/outcome.ts";
import type { Result, VerdictKind } from "../../src/model/result.ts";
import { ACCEPTED, answered, checkOf, predicted, TRANSPORT } from "./fixtures.ts";

export function resultOf(changes: Partial<Result> = {}): Result {
  return {
    check: checkOf(),
    invocation: answered("allowed"),
    prediction: predicted("allow"),
    outcome: ACCEPTED,
    topics: [],
    secondAttempts: [],
    guard: null,
    verdict: { kind: "pass", causes: [] },
    location: "local",
    ...changes,
  };
}

/** Accepted over a connection that differs in these. */
export function acceptedOver(changes: Partial<Transport>): Outcome {
  return { ...ACCEPTED, transport: { ...TRANSPORT, ...changes } };
}

export function judged(kind: VerdictKind, ...codes: CauseCode[]): Result["verdict"] {
  return { kind, causes: codes.map((code) => ({ code, evidence: "seen", nextStep: "do" })) };
}

/** Every result. */
export const NO_FILTER: ResultFilter = {
  verdict: null,
  cause: null,
  authorizer: null,
  gateway: null,
  cohort: null,
  protocol: null,
  device: null,
  derived: null,
};
