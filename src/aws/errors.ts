import { assertNever, errorCode, errorMessage } from "../lib/errors.ts";
import { scrub } from "../lib/scrub.ts";
import type { CauseCode } from "../model/causes.ts";
import type { ErroredWhy } from "../model/invocation.ts";
import type { Secret } from "../model/secret.ts";
import { OverdueError } from "./deadline.ts";
import { isConnectionCode, type Meaning, meaningOf } from "./error-names.ts";

/** A call without a usable answer. All text is scrubbed. */
export interface Failure {
  readonly why: ErroredWhy;
  readonly cause: CauseCode;
  /** The exception's name, the system's error code, or `HTTP <status>`. */
  readonly code: string;
  readonly message: string;
  readonly requestId: string | null;
  /** AWS says the thing asked about does not exist. */
  readonly notFound: boolean;
  /** `throttled`: as often as there is time; `once`: it may have been a bad moment. */
  readonly retry: "throttled" | "once" | "no";
}

export interface FailureContext {
  /** What a refused request means; a 4xx without a meaning of its own counts as one. */
  readonly refused: CauseCode;
  readonly secrets: readonly Secret[];
}

type Kind = Pick<Failure, "why" | "cause" | "retry">;

const UNREACHABLE: Kind = { why: "service", cause: "API_UNREACHABLE", retry: "no" };
const UNAVAILABLE: Kind = { why: "service", cause: "API_UNAVAILABLE", retry: "no" };
const BAD_CREDENTIALS: Kind = { why: "caller", cause: "CALLER_CREDENTIALS_INVALID", retry: "no" };

/**
 * SigV4 refusals of a wrong clock come as InvalidSignatureException with a text of this kind
 * (IAM User Guide, troubleshoot signed requests).
 */
const SKEW_TEXT = /signature expired|signature not yet current/i;

/** What the SDK adds to an error that an HTTP answer caused. */
interface AnswerTraits {
  readonly status: number | null;
  readonly requestId: string | null;
}

/** Explains what a call threw. Never throws; what nobody knows counts against the service, not the device. */
export function failureOf(error: unknown, context: FailureContext): Failure {
  if (error instanceof OverdueError) {
    return told({ why: "service", cause: "API_TIMEOUT", retry: "no" }, error.name, error.message, context);
  }
  const traits = traitsOf(error);
  const name = nameOf(error);
  const code = connectionCode(error, name, traits);
  if (code !== null) return told(connectionKind(code, traits), code, errorMessage(error), context);
  if (!isFromAws(name, traits)) return strange(error, traits, context);
  const failure = told(
    namedKind(name, errorMessage(error), traits, context),
    name,
    errorMessage(error),
    context,
  );
  return {
    ...failure,
    requestId: traits.requestId === null ? null : scrub(traits.requestId, context.secrets),
    notFound: meaningOfAnswer(name, traits) === "not-found",
  };
}

/**
 * Explains why the credential chain gave nothing. A refusal here is the token service's about us: whatever its
 * status, it says nothing about the device.
 */
export function credentialFailureOf(error: unknown, secrets: readonly Secret[]): Failure {
  const failure = failureOf(error, { refused: "CALLER_CREDENTIALS_INVALID", secrets });
  if (failure.cause === "API_TIMEOUT" || failure.cause === "API_UNREACHABLE")
    return { ...failure, retry: "no" };
  const cause = failure.cause === "CALLER_CLOCK_SKEW" ? failure.cause : BAD_CREDENTIALS.cause;
  return { ...failure, ...BAD_CREDENTIALS, cause, notFound: false };
}

function told(kind: Kind, code: string, message: string, { secrets }: FailureContext): Failure {
  return {
    ...kind,
    code: scrub(code, secrets),
    message: scrub(message, secrets),
    requestId: null,
    notFound: false,
  };
}

/** The system's error code, unless AWS or the SDK named the error: then a code in it is only part of the story. */
function connectionCode(error: unknown, name: string, { status }: AnswerTraits): string | null {
  if (meaningOf(name) !== null) return null;
  // The SDK renames a reset connection to TimeoutError, and an answer that breaks off stays a plain Error.
  return status === null || name === "Error" ? errorCode(error) : null;
}

function connectionKind(code: string, { status }: AnswerTraits): Kind {
  // What answered does not speak HTTP.
  if (code.startsWith("HPE_")) return UNAVAILABLE;
  // An answer that breaks off was begun: the Lambda has run already.
  return isConnectionCode(code) && status === null ? { ...UNREACHABLE, retry: "once" } : UNREACHABLE;
}

/** AWS names its errors or at least numbers its answers; a proxy's page does neither. */
function isFromAws(name: string, { requestId }: AnswerTraits): boolean {
  if (name === "SyntaxError" || name === "TypeError") return false;
  return requestId !== null || (name !== "Unknown" && name !== "Error");
}

function strange(error: unknown, { status }: AnswerTraits, context: FailureContext): Failure {
  if (status === null) return told(UNAVAILABLE, nameOf(error), errorMessage(error), context);
  const throttled: Kind = { why: "throttled", cause: "API_THROTTLED", retry: "throttled" };
  const kind = status === 429 ? throttled : UNAVAILABLE;
  return told(kind, `HTTP ${status}`, "the answer is not one of AWS: is a proxy in between?", context);
}

function namedKind(name: string, message: string, traits: AnswerTraits, context: FailureContext): Kind {
  const meaning = meaningOfAnswer(name, traits);
  if (meaning === null) return UNAVAILABLE;
  if (meaning === "bad-credentials" && SKEW_TEXT.test(message))
    return kindOf("skewed-clock", traits, context);
  return kindOf(meaning, traits, context);
}

function meaningOfAnswer(name: string, { status }: AnswerTraits): Meaning | null {
  return meaningOf(name) ?? (status === null ? null : meaningOfStatus(status));
}

function meaningOfStatus(status: number): Meaning | null {
  if (status === 401 || status === 403) return "not-permitted";
  if (status === 404) return "not-found";
  if (status === 429) return "throttled";
  if (status >= 400 && status < 500) return "refused";
  return null;
}

function kindOf(meaning: Meaning, { status }: AnswerTraits, { refused }: FailureContext): Kind {
  switch (meaning) {
    case "refused":
      return { why: "signature", cause: refused, retry: "no" };
    case "bad-response":
      return { why: "response", cause: "AUTHORIZER_RESPONSE_INVALID", retry: "no" };
    case "throttled":
      return { why: "throttled", cause: "API_THROTTLED", retry: "throttled" };
    case "not-permitted":
      return { why: "caller", cause: "CALLER_PERMISSION_MISSING", retry: "no" };
    case "not-found":
      // We may be asking the wrong account or Region: not the device's fault by itself.
      return { why: "caller", cause: "AUTHORIZER_NOT_FOUND", retry: "no" };
    case "unavailable":
      return status === 500 || status === 503 ? { ...UNAVAILABLE, retry: "once" } : UNAVAILABLE;
    case "skewed-clock":
      return { why: "caller", cause: "CALLER_CLOCK_SKEW", retry: "no" };
    case "bad-credentials":
      return BAD_CREDENTIALS;
    default:
      return assertNever(meaning, "meaning");
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}

function traitsOf(error: unknown): AnswerTraits {
  const { $metadata } = Object(error) as { $metadata?: { httpStatusCode?: unknown; requestId?: unknown } };
  const { httpStatusCode, requestId } = $metadata ?? {};
  return {
    status: typeof httpStatusCode === "number" ? httpStatusCode : null,
    requestId: typeof requestId === "string" && requestId !== "" ? requestId : null,
  };
}
