import type { GuardRecord } from "../model/guard.ts";
import type { Invocation } from "../model/invocation.ts";
import type { Outcome, Transport } from "../model/outcome.ts";
import type { TopicProof } from "../model/proof.ts";
import type {
  AuthorizerWord,
  GuardFields,
  JudgedCheck,
  Result,
  ResultRecord,
  SecondAttemptRecord,
  TimedPart,
  TopicFields,
} from "../model/result.ts";
import type { SecondAttempt } from "../model/second-wave.ts";
import type { Target } from "../model/target.ts";
import { assertNever } from "./errors.ts";
import { isTrusted } from "./loop-delay.ts";

/**
 * The authorizer's answer as reports and metrics name it. A device that no authorizer would be asked for counts
 * as denied: nobody lets it in.
 */
export function authorizerWord(invocation: Invocation): AuthorizerWord {
  switch (invocation.kind) {
    case "allowed":
    case "denied":
    case "errored":
    case "skipped":
      return invocation.kind;
    case "no-authorizer":
      return "denied";
    default:
      return assertNever(invocation, "invocation");
  }
}

/** The connection behind an outcome; null where none was tried. */
export function transportOf(outcome: Outcome): Transport | null {
  return outcome.kind === "skipped" ? null : outcome.transport;
}

/** Is it AWS itself that answers, or whatever an override of the configuration points at? */
export function realm(target: Target): "aws" | "custom" {
  return target.controlPlaneEndpoint === null && target.address === null ? "aws" : "custom";
}

/** Flattens a result to what is stored, reported and sent (design 6.7): no credentials, times in seconds. */
export function toRecord(result: Result): ResultRecord {
  const { check, invocation, prediction, outcome, verdict, location } = result;
  const { profile, protocol } = check;
  return {
    seq: check.seq,
    device: profile.id,
    cohort: profile.cohort,
    target: profile.target,
    protocol,
    mqttVersion: protocol === "https" ? null : profile.mqttVersion,
    location,
    derived: check.derived,
    expectation: check.expectation,
    ...invocationFields(invocation),
    prediction: prediction.decision,
    ...outcomeFields(outcome),
    verdict: verdict.kind,
    causes: verdict.causes,
    topics: result.topics.map(topicFields),
    secondAttempts: result.secondAttempts.map(attemptFields),
    guard: result.guard === null ? null : guardFields(result.guard),
    timings: timings(invocation, outcome),
  };
}

/** A result as it may leave the process: no credentials in it. */
export function judgedCheck(result: Result): JudgedCheck {
  const { outcome } = result;
  const transport = transportOf(outcome);
  return {
    record: toRecord(result),
    connectionSeconds: transport === null || !isTimed(transport) ? null : transport.durationMs / 1000,
    skippedFor: outcome.kind === "skipped" ? outcome.cause : null,
  };
}

function topicFields({ test, predicted, gateway, evidence }: TopicProof): TopicFields {
  const { action, topic, expected } = test;
  return { action, topic, expected, predicted: predicted.decision, gateway, evidence };
}

function guardFields({ state, connected, sessionPresent }: GuardRecord): GuardFields {
  const [via, evidence] = state.kind === "unknown" ? [null, state.reason] : [state.via, state.evidence];
  return { state: state.kind, via, evidence, connected, sessionPresent };
}

type InvocationFields = Pick<
  ResultRecord,
  | "authorizer"
  | "authorizerName"
  | "authorizerError"
  | "policyHash"
  | "principalId"
  | "refreshAfterSeconds"
  | "disconnectAfterSeconds"
>;

function invocationFields(invocation: Invocation): InvocationFields {
  const answer = invocation.kind === "allowed" || invocation.kind === "denied" ? invocation.answer : null;
  return {
    authorizer: authorizerWord(invocation),
    authorizerName: "authorizer" in invocation ? invocation.authorizer : null,
    authorizerError:
      invocation.kind === "errored"
        ? { why: invocation.why, code: invocation.code, message: invocation.message }
        : null,
    policyHash: answer?.policyHash ?? null,
    principalId: answer?.principalId ?? null,
    refreshAfterSeconds: answer?.refreshAfterSeconds ?? null,
    disconnectAfterSeconds: answer?.disconnectAfterSeconds ?? null,
  };
}

/** Times that our own event loop may have spoilt are left out, and named. */
function timings(invocation: Invocation, outcome: Outcome): ResultRecord["timings"] {
  const call = "durationMs" in invocation && invocation.durationMs !== null ? invocation : null;
  const transport = transportOf(outcome);
  const isCallTimed = call !== null && isTimed(call);
  const isConnectionTimed = transport !== null && isTimed(transport);
  const discarded: TimedPart[] = [];
  if (call !== null && !isCallTimed) discarded.push("invoke");
  if (transport !== null && !isConnectionTimed) discarded.push("gateway");
  return {
    invokeSeconds: isCallTimed ? seconds(call.durationMs ?? 0) : null,
    phases: isConnectionTimed ? phaseSeconds(transport) : {},
    ...(discarded.length > 0 && { discarded }),
  };
}

function isTimed(timed: { readonly durationMs: number | null; readonly delayMs: number }): boolean {
  return timed.durationMs !== null && isTrusted(timed.durationMs, timed.delayMs);
}

type OutcomeFields = Pick<
  ResultRecord,
  "gateway" | "gatewayHow" | "gatewayCode" | "gatewayReason" | "tls" | "certificateExpiresAt"
>;

function outcomeFields(outcome: Outcome): OutcomeFields {
  const transport = transportOf(outcome);
  const expiresAtMs = transport?.certificateExpiresAtMs ?? null;
  return {
    gateway: outcome.kind,
    gatewayHow: outcome.kind === "refused" ? outcome.how : null,
    gatewayCode: outcome.kind === "skipped" ? null : outcome.code,
    gatewayReason: "reason" in outcome ? outcome.reason : null,
    tls: transport === null ? null : tlsFields(transport),
    certificateExpiresAt: expiresAtMs === null ? null : isoTime(expiresAtMs),
  };
}

function attemptFields({ variation, outcome }: SecondAttempt): SecondAttemptRecord {
  const { gateway, gatewayHow, gatewayCode } = outcomeFields(outcome);
  return { variation, gateway, gatewayHow, gatewayCode };
}

function tlsFields({ tls, address }: Transport): ResultRecord["tls"] {
  return tls === null ? null : { version: tls.version, cipher: tls.cipher, address: address ?? "" };
}

function phaseSeconds(transport: Transport): Readonly<Record<string, number>> {
  const phases = Object.entries(transport.phasesMs);
  return Object.fromEntries(phases.map(([phase, ms]) => [phase, seconds(ms)]));
}

/** A certificate may claim an end that no calendar holds. */
function isoTime(ms: number): string | null {
  const date = new Date(ms);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}

/** To the microsecond: more digits are noise in a report. */
function seconds(ms: number): number {
  return Math.round(ms * 1000) / 1_000_000;
}
