import { scrub } from "../../lib/scrub.ts";
import { authorizerWord } from "../../lib/words.ts";
import type { AuthorizerAnswer, Invocation } from "../../model/invocation.ts";
import type { AuthorizerWord } from "../../model/result.ts";
import type { Secret } from "../../model/secret.ts";
import { latency, plural } from "../numbers.ts";
import type { Style } from "../style.ts";
import { type BoundedText, showJson } from "./bounded.ts";
import { block, field, type Mark, marked, sentence } from "./layout.ts";

/** What TestInvokeAuthorizer answered. */
export interface AnswerStep {
  readonly word: AuthorizerWord;
  readonly durationSeconds: number | null;
  readonly requestId: string | null;
  /** null: there was no usable answer. */
  readonly answer: {
    readonly isAuthenticated: boolean;
    readonly principalId: string | null;
    readonly refreshAfterSeconds: number | null;
    readonly disconnectAfterSeconds: number | null;
    readonly policyDocuments: readonly BoundedText[];
    /** Further documents, not shown. */
    readonly more: number;
  } | null;
  readonly error: {
    readonly why: string;
    readonly cause: string;
    readonly code: string;
    readonly message: string;
  } | null;
  /** Why the API was not asked. */
  readonly notAsked: string | null;
}

/** An authorizer may return ten (AWS IoT Core quotas). */
const MAX_DOCUMENTS = 10;
const MAX_LINES = 60;

const NOT_ASKED = {
  "client-certificate": "the device sends a client certificate, and the API cannot carry one",
  "not-selected": "the check did not come that far",
} as const;

export function answerStep(invocation: Invocation, secrets: readonly Secret[]): AnswerStep {
  const word = authorizerWord(invocation);
  const nothing = { word, durationSeconds: null, requestId: null, answer: null, error: null, notAsked: null };
  switch (invocation.kind) {
    case "allowed":
    case "denied":
      return { ...nothing, ...call(invocation), answer: answerPart(invocation.answer, secrets) };
    case "errored": {
      const { why, cause } = invocation;
      const [code, message] = [scrub(invocation.code, secrets), scrub(invocation.message, secrets)];
      return { ...nothing, ...call(invocation), error: { why, cause, code, message } };
    }
    case "no-authorizer":
      return { ...nothing, notAsked: scrub(invocation.evidence, secrets) };
    case "skipped":
      return { ...nothing, notAsked: NOT_ASKED[invocation.why] };
  }
}

function call({ durationMs, requestId }: { durationMs: number | null; requestId: string | null }) {
  return {
    durationSeconds: durationMs === null ? null : durationMs / 1000,
    requestId: requestId === null ? null : scrub(requestId, []),
  };
}

function answerPart(answer: AuthorizerAnswer, secrets: readonly Secret[]): AnswerStep["answer"] {
  const { principalId, policyDocuments } = answer;
  return {
    isAuthenticated: answer.isAuthenticated,
    principalId: principalId === null ? null : scrub(principalId, secrets),
    refreshAfterSeconds: answer.refreshAfterSeconds,
    disconnectAfterSeconds: answer.disconnectAfterSeconds,
    policyDocuments: policyDocuments.slice(0, MAX_DOCUMENTS).map((each) => showJson(each, secrets)),
    more: Math.max(0, policyDocuments.length - MAX_DOCUMENTS),
  };
}

const MARK: Readonly<Record<AuthorizerWord, Mark>> = {
  allowed: "good",
  denied: "bad",
  errored: "unsure",
  skipped: "none",
};

export function answerLines(step: AnswerStep, style: Style): string[] {
  const { word, durationSeconds, requestId, answer, error, notAsked } = step;
  const took = durationSeconds === null ? "" : ` in ${latency(durationSeconds)}`;
  const why = error === null ? "" : ` (${error.why})`;
  return [
    ...marked(
      "answer",
      MARK[word],
      notAsked === null ? `${word}${why}${took}` : `${word}: ${notAsked}`,
      style,
    ),
    ...(requestId === null ? [] : field("request id", requestId, style)),
    ...(error === null ? [] : field(error.code, error.message, style)),
    ...(answer === null ? [] : answerFields(answer, style)),
  ];
}

function answerFields(answer: NonNullable<AnswerStep["answer"]>, style: Style): string[] {
  const { principalId, refreshAfterSeconds, disconnectAfterSeconds, policyDocuments, more } = answer;
  const after = (seconds: number | null) => (seconds === null ? "not given" : `after ${seconds} s`);
  return [
    ...field("principalId", principalId ?? "not given", style),
    ...field("refresh", `${after(refreshAfterSeconds)}; disconnect ${after(disconnectAfterSeconds)}`, style),
    ...(policyDocuments.length === 0 ? field("policy", "no document", style) : []),
    ...policyDocuments.flatMap((document, at) => [
      ...field(`document ${at}`, plural(document.characters, "character"), style),
      ...block(document.text, style, MAX_LINES),
    ]),
    ...(more > 0 ? sentence(`and ${plural(more, "more document")}`, style, "dim") : []),
  ];
}
