import { isTrusted } from "../lib/loop-delay.ts";
import type { CauseCode } from "../model/causes.ts";
import type { Facts } from "../model/facts.ts";
import type { Invocation } from "../model/invocation.ts";
import { type Detector, type Finding, keptOut } from "./facts.ts";

/*
 * Row 14, 15 and 9: what the authorizer's function did. With which exception, and in which words, the API tells of a
 * function that fails is not documented, so times and texts are read as hints only where something did fail.
 */

/** How long the function may take (DG/config-custom-auth.html), less what clocks and transport may shave off. */
const ABOUT_THE_LIMIT_MS = 4800;
/** Beyond this somebody else was slow. */
const WELL_PAST_THE_LIMIT_MS = 9000;
/** An answer that took this long here can take over 5 s elsewhere. */
const CLOSE_TO_THE_LIMIT_MS = 4000;

type Errored = Extract<Invocation, { kind: "errored" }>;

interface Hint {
  readonly code: CauseCode;
  /** Each must be in the text. */
  readonly words: readonly RegExp[];
}

const FUNCTION = /\b(function|lambda)\b/i;
const HINTS: readonly Hint[] = [
  {
    code: "AUTHORIZER_PERMISSION_MISSING",
    words: [FUNCTION, /\b(may not|not (authorized|allowed|permitted)|permission|access ?denied)\b/i],
  },
  { code: "AUTHORIZER_TIMEOUT", words: [/\b(time[sd]?[ -]?out|timeout|did not (answer|respond) within)\b/i] },
  { code: "PRINCIPAL_ID_INVALID", words: [/principal/i] },
  {
    code: "POLICY_DOCUMENT_LIMIT",
    words: [/polic(y|ies)/i, /\b(10|2048|limit|length|long(er)?|size|large|many|more than|exceeds?)\b/i],
  },
  { code: "REFRESH_OR_DISCONNECT_RANGE", words: [/\b(refresh|disconnect)After/i] },
  { code: "AUTHORIZER_ERROR", words: [FUNCTION, /\b(fail(s|ed|ure)?|errors?|exception|threw|throttled)\b/i] },
];

/** What an API error says about the function; null: nothing. Our own faults and the quota say nothing. */
export function functionTrouble(invocation: Errored): Finding | null {
  const { why, code, cause, message, durationMs, delayMs } = invocation;
  if (why === "caller" || why === "throttled" || cause === "SIGNATURE_NOT_BASE64") return null;
  // Known without a call, or by our own deadline: not a word of the authorizer's.
  if (durationMs === null || cause === "API_TIMEOUT" || cause === "API_UNREACHABLE") return null;
  const evidence = `TestInvokeAuthorizer: ${code}: ${message}`;
  const hint = HINTS.find(({ words }) => words.every((each) => each.test(message)));
  if (hint !== undefined) return { code: hint.code, evidence };
  const isLate =
    durationMs >= ABOUT_THE_LIMIT_MS &&
    durationMs <= WELL_PAST_THE_LIMIT_MS &&
    isTrusted(durationMs, delayMs);
  return isLate
    ? { code: "AUTHORIZER_TIMEOUT", evidence: `${evidence} (after ${seconds(durationMs)})` }
    : null;
}

/** The API's own word on a function that fails; only where the device was kept out, or the answer is to blame. */
export const functionFailed: Detector = (facts) => {
  const { invocation } = facts;
  if (invocation.kind !== "errored") return null;
  return keptOut(facts) || invocation.why === "response" ? functionTrouble(invocation) : null;
};

/** The gateway refused as late as a function that runs out of time makes it: a cold start the API did not see. */
export const refusedLate: Detector = (facts) => {
  const { kind } = facts.invocation;
  if (facts.outcome.kind !== "refused" || kind === "denied" || kind === "no-authorizer") return null;
  const { phasesMs, delayMs } = facts.outcome.transport;
  const waitedMs = Math.max(phasesMs.connack ?? 0, phasesMs.response ?? 0, phasesMs.upgrade ?? 0);
  const isLate = waitedMs >= ABOUT_THE_LIMIT_MS && waitedMs <= WELL_PAST_THE_LIMIT_MS;
  if (isLate && isTrusted(waitedMs, delayMs)) {
    return {
      code: "AUTHORIZER_TIMEOUT",
      evidence: `the gateway refused after ${seconds(waitedMs)}; the function has 5 s`,
    };
  }
  return answeredLate(facts);
};

function answeredLate({ invocation }: Facts): Finding | null {
  if (invocation.kind !== "allowed" || invocation.durationMs < CLOSE_TO_THE_LIMIT_MS) return null;
  if (!isTrusted(invocation.durationMs, invocation.delayMs)) return null;
  const took = `TestInvokeAuthorizer took ${seconds(invocation.durationMs)}`;
  return { code: "AUTHORIZER_TIMEOUT", evidence: `${took}; at the gateway the function has 5 s` };
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}
