/** What an error of a call means, apart from who is told. */
export type Meaning =
  | "refused"
  | "bad-response"
  | "throttled"
  | "not-permitted"
  | "not-found"
  | "unavailable"
  | "skewed-clock"
  | "bad-credentials";

/**
 * Every name AWS and the SDK give to errors that the calls made here can meet: the exceptions of the API model
 * (API_TestInvokeAuthorizer and the describe calls), the front end's own (apireference/CommonErrors) in the
 * spellings of its protocols, and the SDK's credential chain.
 */
export const ERROR_NAMES: Readonly<Record<Meaning, readonly string[]>> = {
  refused: ["InvalidRequestException", "ValidationException", "ValidationError", "SerializationException"],
  "bad-response": ["InvalidResponseException"],
  throttled: ["ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"],
  "not-permitted": [
    "UnauthorizedException",
    "AccessDeniedException",
    "AccessDenied",
    "ForbiddenException",
    "NotAuthorized",
    "OptInRequired",
  ],
  "not-found": ["ResourceNotFoundException"],
  unavailable: [
    "InternalFailureException",
    "InternalFailure",
    "InternalServerError",
    "ServiceUnavailableException",
    "ServiceUnavailable",
  ],
  "skewed-clock": ["RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"],
  "bad-credentials": [
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
    "InvalidClientTokenId",
    "InvalidAccessKeyId",
    "ExpiredTokenException",
    "ExpiredToken",
    "MissingAuthenticationTokenException",
    "MissingAuthenticationToken",
    "IncompleteSignatureException",
    "IncompleteSignature",
    "CredentialsProviderError",
    "TokenProviderError",
    "ProviderError",
  ],
};

const MEANINGS: ReadonlyMap<string, Meaning> = new Map(
  (Object.keys(ERROR_NAMES) as Meaning[]).flatMap((meaning) =>
    ERROR_NAMES[meaning].map((name) => [name, meaning] as const),
  ),
);

/** Errors of the connection before AWS answered; a second try may meet a better moment. */
export const CONNECTION_CODES: ReadonlySet<string> = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "EPIPE",
  "ETIMEDOUT",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "ENOTFOUND",
  "EAI_AGAIN",
]);

/** null: not in the list. */
export function meaningOf(name: string): Meaning | null {
  return MEANINGS.get(name) ?? null;
}

export function isConnectionCode(code: string): boolean {
  return CONNECTION_CODES.has(code);
}

/** The code as a metric's label: names from outside cannot make new series. */
export function metricCode(code: string): string {
  return MEANINGS.has(code) || CONNECTION_CODES.has(code) || code === "TimeoutError" ? code : "other";
}
