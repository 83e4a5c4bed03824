import { randomUUID } from "node:crypto";
import type { ServerResponse } from "node:http";

/** Error names with the HTTP status that goes with each (API reference, CommonErrors; iot-data model). */
export const ERROR_STATUS = {
  InvalidRequestException: 400,
  InvalidResponseException: 400,
  ThrottlingException: 400,
  UnauthorizedException: 401,
  ResourceNotFoundException: 404,
  InternalFailureException: 500,
  ServiceUnavailableException: 503,
  ResourceAlreadyExistsException: 409,
  DeleteConflictException: 409,
  LimitExceededException: 410,
  // The front end's family, outside the operations' models.
  AccessDeniedException: 403,
  ForbiddenException: 403,
  InvalidSignatureException: 403,
  UnrecognizedClientException: 403,
  ExpiredTokenException: 403,
  MissingAuthenticationTokenException: 403,
  IncompleteSignatureException: 403,
  UnknownOperationException: 404,
  MethodNotAllowedException: 405,
  RequestEntityTooLargeException: 413,
  UpgradeRequiredException: 426,
} as const;

export type ErrorName = keyof typeof ERROR_STATUS;

/** What an injected status is called. */
export function errorNameOf(status: number): ErrorName {
  if (status === 429) return "ThrottlingException";
  const names: readonly ErrorName[] = [
    ...(["InvalidRequestException", "UnauthorizedException", "ForbiddenException"] as const),
    ...(["ResourceNotFoundException", "ServiceUnavailableException"] as const),
  ];
  return names.find((name) => ERROR_STATUS[name] === status) ?? "InternalFailureException";
}

/** The name is cut at its colon by AWS's clients; AWS sends it so. */
export function errorHeaders(name: ErrorName): Record<string, string> {
  return {
    "content-type": "application/json",
    "x-amzn-errortype": `${name}:`,
    "x-amzn-requestid": randomUUID(),
  };
}

export function sendJson(response: ServerResponse, status: number, body: object): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { "content-type": "application/json", "x-amzn-requestid": randomUUID() });
  response.end(JSON.stringify(body));
}

/** An error as the control plane sends it. */
export function sendError(response: ServerResponse, name: ErrorName, message: string, status?: number): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status ?? ERROR_STATUS[name], errorHeaders(name));
  response.end(JSON.stringify({ message }));
}

/** An error as the data plane sends it, with a trace id. */
export function sendTracedError(
  response: ServerResponse,
  name: ErrorName,
  message: string,
  status?: number,
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status ?? ERROR_STATUS[name], errorHeaders(name));
  response.end(JSON.stringify({ message, traceId: randomUUID() }));
}
