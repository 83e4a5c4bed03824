import { assertNever } from "../lib/errors.ts";
import type { CauseCode } from "../model/causes.ts";
import type { Check } from "../model/check.ts";
import type { Invocation } from "../model/invocation.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Prediction } from "../model/prediction.ts";
import type { TopicProof } from "../model/proof.ts";
import type { VerdictKind } from "../model/result.ts";

export interface Judgement {
  readonly kind: VerdictKind;
  /** What the table itself says is wrong; the detectors say more. */
  readonly codes: readonly CauseCode[];
}

export interface JudgeInput {
  readonly check: Pick<Check, "expectation" | "derived">;
  readonly invocation: Invocation;
  readonly prediction: Prediction;
  readonly outcome: Outcome;
  /** Only looked at where a topic is what must be denied. */
  readonly topics: readonly TopicProof[];
  /** For a bare close: did an explicit answer on the same target and protocol follow? Ignored otherwise. */
  readonly closeConfirmed: boolean;
}

/**
 * The table of design 6.8. Fails closed: what is not proven is inconclusive, never a pass, and only what the
 * device, its authorizer or its domain did is a fail.
 */
export function judge(input: JudgeInput): Judgement {
  return input.check.expectation === "allow" ? judgeAllow(input) : judgeDeny(input);
}

function judgeAllow({ invocation, prediction, outcome, closeConfirmed }: JudgeInput): Judgement {
  switch (outcome.kind) {
    case "accepted":
      return allowAccepted(invocation);
    case "refused":
      return outcome.how === "closed" && !closeConfirmed
        ? inconclusive("GATEWAY_CLOSED_UNCONFIRMED")
        : { kind: "fail", codes: [] };
    case "unreachable":
      return isBadCertificate(outcome.cause)
        ? { kind: "fail", codes: [outcome.cause] }
        : inconclusive(outcome.cause);
    case "broken":
      return inconclusive(outcome.cause);
    case "skipped":
      return allowSkipped(invocation, prediction, outcome.cause);
    default:
      return assertNever(outcome, "outcome");
  }
}

function allowAccepted(invocation: Invocation): Judgement {
  switch (invocation.kind) {
    case "allowed":
    case "skipped":
      return PASS;
    case "denied":
    case "no-authorizer":
      return { kind: "fail", codes: ["AUTHORIZER_GATEWAY_DISAGREE"] };
    case "errored":
      return { kind: isAuthorizersFault(invocation) ? "fail" : "inconclusive", codes: [invocation.cause] };
    default:
      return assertNever(invocation, "invocation");
  }
}

function allowSkipped(invocation: Invocation, prediction: Prediction, guard: CauseCode): Judgement {
  if (invocation.kind === "denied" || invocation.kind === "no-authorizer") return { kind: "fail", codes: [] };
  if (prediction.decision === "deny") return { kind: "fail", codes: [] };
  if (invocation.kind === "errored") return inconclusive(invocation.cause);
  if (invocation.kind === "allowed" && prediction.decision === "allow") {
    return { kind: "skipped", codes: [guard] };
  }
  return inconclusive(invocation.kind === "allowed" ? "POLICY_UNDECIDABLE" : guard);
}

function judgeDeny(input: JudgeInput): Judgement {
  const { check, invocation, prediction, outcome, closeConfirmed } = input;
  if (check.derived === "foreign-topic") return judgeForeignTopic(input);
  if (outcome.kind === "accepted") return { kind: "fail", codes: ["UNEXPECTED_ACCEPT"] };
  if (outcome.kind === "skipped") return inconclusive(outcome.cause);
  if (outcome.kind !== "refused") {
    const refusedInTls = check.derived === "no-sni" && outcome.kind === "unreachable" && outcome.tlsAlert;
    return refusedInTls ? denyRefused(invocation, prediction) : inconclusive(outcome.cause);
  }
  if (outcome.how === "closed" && !closeConfirmed) return inconclusive("GATEWAY_CLOSED_UNCONFIRMED");
  const isUnasked = invocation.kind === "skipped" && invocation.why === "not-selected";
  // Of a derived check without a server name the API can tell nothing.
  if (isUnasked && check.derived === null) return inconclusive("GATEWAY_REFUSED_UNEXPLAINED");
  return denyRefused(invocation, prediction);
}

/** The device itself must get in, or nothing is learnt; what must be denied is its subscription. */
function judgeForeignTopic({ outcome, topics, closeConfirmed }: JudgeInput): Judgement {
  if (outcome.kind === "refused") {
    const isOpen = outcome.how === "closed" && !closeConfirmed;
    return inconclusive(isOpen ? "GATEWAY_CLOSED_UNCONFIRMED" : "GATEWAY_REFUSED_UNEXPLAINED");
  }
  if (outcome.kind !== "accepted") return inconclusive(outcome.cause);
  if (topics.some(({ gateway }) => gateway === "allowed")) {
    return { kind: "fail", codes: ["UNEXPECTED_ACCEPT"] };
  }
  const isDenied = topics.length > 0 && topics.every(({ gateway }) => gateway === "denied");
  return isDenied ? PASS : inconclusive("GATEWAY_TIMEOUT");
}

/** A refusal proves an expected deny only where the authorizer or its policy is known to be what refused. */
function denyRefused(invocation: Invocation, prediction: Prediction): Judgement {
  switch (invocation.kind) {
    case "denied":
    case "no-authorizer":
    case "skipped":
      return PASS;
    case "errored":
      return invocation.why === "signature" ? PASS : inconclusive(invocation.cause);
    case "allowed":
      if (prediction.decision === "deny") return PASS;
      return prediction.decision === "unknown"
        ? inconclusive("POLICY_UNDECIDABLE")
        : inconclusive("AUTHORIZER_ALLOWED_EXPECTED_DENY");
    default:
      return assertNever(invocation, "invocation");
  }
}

const PASS: Judgement = { kind: "pass", codes: [] };

function inconclusive(code: CauseCode): Judgement {
  return { kind: "inconclusive", codes: [code] };
}

/** Errored in a way that the authorizer or the device's signature is to blame for, not the caller or AWS. */
function isAuthorizersFault(invocation: Extract<Invocation, { kind: "errored" }>): boolean {
  return invocation.why === "signature" || invocation.why === "response";
}

const BAD_CERTIFICATE: ReadonlySet<CauseCode> = new Set([
  "SERVER_CERTIFICATE_EXPIRED",
  "SERVER_CERTIFICATE_UNTRUSTED",
  "SERVER_CERTIFICATE_NAME",
]);

function isBadCertificate(cause: CauseCode): boolean {
  return BAD_CERTIFICATE.has(cause);
}
