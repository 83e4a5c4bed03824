import { Buffer } from "node:buffer";
import { z } from "zod";
import type { Account } from "../authorizers/account.ts";
import { readAnswer } from "../authorizers/answer.ts";
import type { Presented } from "../authorizers/event.ts";
import { askFunction } from "../authorizers/invoke.ts";
import { readParameters, signatures } from "../authorizers/parameters.ts";
import type { Authorizer } from "../authorizers/registry.ts";
import { isSignedBy } from "../authorizers/signature.ts";
import { noAuthorizer } from "./authorizer-operations.ts";
import {
  type ApiAnswer,
  type ApiInput,
  type ApiServices,
  failure,
  firstViolation,
  isAuthorizerName,
  NAME_RULE,
  type Operation,
  ok,
  violation,
} from "./operation.ts";

const text = (max: number) => z.string().min(1).max(max);

/** The model's shapes, lengths and patterns (API_TestInvokeAuthorizer). Unknown members are ignored, as AWS does. */
const requestSchema = z.object({
  token: text(6144).optional(),
  tokenSignature: text(2560)
    .regex(/^[A-Za-z0-9+/]+={0,2}$/, "must satisfy regular expression pattern: [A-Za-z0-9+/]+={0,2}")
    .optional(),
  httpContext: z
    .object({
      headers: z.record(text(8192), text(8192)).optional(),
      queryString: text(4096).optional(),
    })
    .optional(),
  mqttContext: z
    .object({
      username: text(65_535).optional(),
      password: z
        .base64()
        .transform((encoded) => Buffer.from(encoded, "base64"))
        .refine(({ length }) => length >= 1 && length <= 65_535, "must have a length from 1 to 65535")
        .optional(),
      clientId: text(65_535).optional(),
    })
    .optional(),
  tlsContext: z.object({ serverName: text(253).optional() }).optional(),
});

type TestInvokeRequest = z.output<typeof requestSchema>;

export const TEST_INVOKE: Operation = {
  name: "TestInvokeAuthorizer",
  plane: "control",
  method: "POST",
  path: /^\/authorizer\/([^/]+)\/test$/,
  run: testInvoke,
};

/** Asks an authorizer in a device's place and passes on what it says. Policies are not evaluated. */
async function testInvoke(services: ApiServices, { name, body }: ApiInput): Promise<ApiAnswer> {
  if (!isAuthorizerName(name)) return violation("authorizerName", NAME_RULE);
  const parsed = requestSchema.safeParse(body);
  if (!parsed.success) return firstViolation(parsed.error);
  const { account, signal } = services;
  const authorizer = account.registry.get(name);
  if (authorizer === null) return noAuthorizer(name);
  const { behaviours } = account;
  if (authorizer.status === "INACTIVE" && behaviours.testInvokeInactive !== "answer") {
    return failure("InvalidRequestException", `Authorizer ${name} is not active`);
  }
  const presented = presentedBy(parsed.data, behaviours.testInvokeQueryMark === "added");
  const signed = checkSigned(account, authorizer, parsed.data, presented);
  if (signed.isRefused) {
    return behaviours.testInvokeSignatureFailure === "not-authenticated"
      ? ok({ isAuthenticated: false })
      : failure(behaviours.testInvokeSignatureFailure, "Token signature is missing or not valid");
  }
  const result = await askFunction(account, { authorizer, presented, signed, face: "api" }, signal);
  if (result.kind === "failed")
    return failure(behaviours.testInvokeFunctionError, FAILURE_MESSAGES[result.why]);
  return answered(account, result.answer);
}

/** A function's own error text may hold what the device sent: it is not passed on. */
const FAILURE_MESSAGES = {
  permission: "AWS IoT may not invoke the authorizer's function",
  timeout: "The authorizer's function did not answer within 5 seconds",
  error: "The authorizer's function failed",
} as const;

function answered({ behaviours }: Account, answer: unknown): ApiAnswer {
  const read = readAnswer(answer, null);
  if (read === null)
    return failure("InvalidResponseException", "The answer is no object with isAuthenticated");
  const { response, breaches } = read;
  if (breaches.length > 0 && behaviours.testInvokeUnusableAnswer === "InvalidResponseException") {
    return failure(
      "InvalidResponseException",
      `The authorizer's answer is not valid: ${breaches.join("; ")}`,
    );
  }
  const { isAuthenticated, principalId, policyDocuments } = response;
  const { refreshAfterInSeconds, disconnectAfterInSeconds } = response;
  return ok({
    isAuthenticated,
    ...(principalId !== null && { principalId }),
    policyDocuments,
    ...(refreshAfterInSeconds !== null && { refreshAfterInSeconds }),
    ...(disconnectAfterInSeconds !== null && { disconnectAfterInSeconds }),
  });
}

function presentedBy(
  { httpContext, mqttContext, tlsContext }: TestInvokeRequest,
  addsMark: boolean,
): Presented {
  const query = httpContext?.queryString ?? null;
  const isMarked = query === null || query.startsWith("?") || !addsMark;
  return {
    tls: tlsContext ? { serverName: tlsContext.serverName ?? null } : null,
    http: httpContext
      ? { headers: httpContext.headers ?? {}, queryString: isMarked ? query : `?${query}` }
      : null,
    mqtt: mqttContext
      ? {
          username: mqttContext.username ?? null,
          password: mqttContext.password ?? null,
          clientId: mqttContext.clientId ?? null,
        }
      : null,
  };
}

/** The token and whether its signature was verified; `isRefused`: signing is on, and token or signature is not right. */
function checkSigned(
  { registry, behaviours }: Account,
  authorizer: Authorizer,
  request: TestInvokeRequest,
  presented: Presented,
): { readonly token: string | null; readonly verified: boolean; readonly isRefused: boolean } {
  let { token = null, tokenSignature: signature = null } = request;
  if (behaviours.testInvokeExtractsToken) {
    const parameters = readParameters(presented, behaviours);
    token ??= parameters.values(authorizer.tokenKeyName ?? "")[0] ?? null;
    signature ??= signatures(parameters)[0] ?? null;
  }
  if (authorizer.signingDisabled) return { token, verified: false, isRefused: false };
  const verified =
    token !== null && signature !== null && isSignedBy(registry.publicKeysOf(authorizer), token, signature);
  return { token, verified, isRefused: !verified };
}
