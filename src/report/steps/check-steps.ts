import { toRecord } from "../../lib/words.ts";
import type { CauseCode } from "../../model/causes.ts";
import type { Examined } from "../../model/facts.ts";
import type { Result, ResultRecord } from "../../model/result.ts";
import type { Series } from "../../model/series.ts";
import { type AnswerStep, answerStep } from "./answer.ts";
import { type GatewayStep, gatewayStep } from "./gateway.ts";
import { type GuardStep, guardStep } from "./guard.ts";
import type { Known } from "./hidden.ts";
import { type PolicyStep, policyStep } from "./policy.ts";
import { type PreflightStep, preflightStep } from "./preflight.ts";
import { type RequestStep, requestStep } from "./request.ts";
import { type SecondAttemptStep, secondAttemptSteps } from "./second-attempts.ts";
import { type SentStep, sentStep, type TargetStep, targetStep } from "./sent.ts";
import { type TopicStep, topicSteps } from "./topics.ts";
import { type VerdictStep, verdictStep } from "./verdict.ts";

/** One check, step by step; no credential is in it any more. null: the check did not come that far. */
export interface Steps {
  readonly target: TargetStep;
  readonly sent: SentStep | null;
  readonly preflight: PreflightStep;
  readonly request: RequestStep | null;
  readonly answer: AnswerStep;
  readonly policy: PolicyStep | null;
  readonly guard: GuardStep;
  readonly gateway: GatewayStep;
  readonly topics: readonly TopicStep[];
  readonly secondAttempts: readonly SecondAttemptStep[];
  readonly metrics: readonly Series[];
  readonly verdict: VerdictStep;
}

/** A result as every report has it, and its steps. */
export type CheckSteps = ResultRecord & { readonly steps: Steps };

export interface StepsInput {
  readonly facts: Examined["facts"];
  readonly result: Result;
  readonly metrics: readonly Series[];
  /** What could not be found out beforehand. */
  readonly remarks: readonly string[];
  /** One sentence on what a cause means. */
  readonly meaning: (cause: CauseCode) => string;
}

/** Takes a check apart for a person or a program. What is secret or from outside is made fit to be shown here. */
export function checkSteps({ facts, result, metrics, remarks, meaning }: StepsInput): CheckSteps {
  const { check, target, context, invocation } = facts;
  const secrets = context?.secrets ?? [];
  const { id, clientId } = check.profile;
  const known: Known = {
    authorizer: context?.authorizer ?? null,
    names: { "the device id": id, "the client id": clientId },
    secrets,
  };
  const steps: Steps = {
    target: targetStep(target),
    sent: context && sentStep(context, known),
    preflight: preflightStep(facts.preflight, known),
    request: context && requestStep(context.request, facts.authorizer, known),
    answer: answerStep(invocation, secrets),
    policy: context && policyStep(check, context, invocation, facts),
    guard: guardStep(check.profile.identity, facts.guard, remarks, secrets),
    gateway: gatewayStep(facts.outcome, secrets),
    topics: topicSteps(facts.topics, invocation, secrets),
    secondAttempts: secondAttemptSteps(facts.secondAttempts, secrets),
    metrics,
    verdict: verdictStep(result.verdict, check.expectation, meaning),
  };
  return { ...toRecord(result), steps };
}
