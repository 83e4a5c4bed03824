import type { IoTClient, TestInvokeAuthorizerCommandInput } from "@aws-sdk/client-iot";
import { scrub } from "../lib/scrub.ts";
import type { CauseCode } from "../model/causes.ts";
import type { InvokeRequest } from "../model/context.ts";
import type { ErroredWhy, Invocation } from "../model/invocation.ts";
import type { InvokeFn, InvokeInput } from "../model/ports.ts";
import type { Secret } from "../model/secret.ts";
import { type CallDependencies, callAws } from "./call.ts";
import { type Exchange, InvokeSender } from "./invoke-sender.ts";
import { readResponse } from "./read-response.ts";
import { limitBreach } from "./request-limits.ts";

/**
 * Makes the port that calls TestInvokeAuthorizer (API_TestInvokeAuthorizer). Whatever AWS, the network or the
 * credential chain does comes back as an `errored` invocation; only an abort throws, with the signal's reason.
 * `durationMs` is of the last exchange alone, without waiting for the budget, credentials or back-off, and without
 * what the SDK does before it sends.
 */
export function createInvoke(dependencies: CallDependencies): InvokeFn {
  const senders = new WeakMap<IoTClient, InvokeSender>();
  return async (input) => {
    const { authorizer, request, secrets, target, signal } = input;
    const breach = limitBreach(authorizer, request);
    if (breach !== null) {
      // The API would answer InvalidRequestException; asking would only spend the quota.
      const message = `${breach.message}; the call was not made`;
      return errored(input, { why: "signature", cause: breach.cause, code: "InvalidRequest", message });
    }
    let exchange = null as Exchange | null;
    const reply = await callAws(dependencies, {
      target,
      operation: "TestInvokeAuthorizer",
      send: (client, ending) => {
        const sender = senders.get(client) ?? new InvokeSender(client);
        senders.set(client, sender);
        exchange = { input: toInput(authorizer, request), signal: ending, time: null };
        return sender.send(exchange);
      },
      refused: refusedCause(request),
      secrets,
      signal,
    });
    if (reply.kind === "failed") {
      const { durationMs, delayMs } = exchange?.time ?? reply;
      return errored(input, { ...reply.failure, durationMs, delayMs });
    }
    const { output } = reply;
    const { durationMs, delayMs } = exchange?.time ?? reply;
    const requestId = shownId(output.$metadata.requestId, secrets);
    const read = readResponse(output, secrets);
    if (read.kind === "invalid") {
      const code = "InvalidAnswer";
      const told = {
        why: "response",
        cause: "AUTHORIZER_RESPONSE_INVALID",
        code,
        message: read.reason,
      } as const;
      return errored(input, { ...told, durationMs, delayMs, requestId });
    }
    const kind = read.answer.isAuthenticated ? "allowed" : "denied";
    return { kind, authorizer, answer: read.answer, durationMs, delayMs, requestId };
  };
}

interface Told {
  readonly why: ErroredWhy;
  readonly cause: CauseCode;
  readonly code: string;
  readonly message: string;
  readonly durationMs?: number | null;
  readonly delayMs?: number;
  readonly requestId?: string | null;
}

function errored({ authorizer, secrets }: InvokeInput, told: Told): Invocation {
  const { why, cause, code, message, durationMs = null, delayMs = 0, requestId = null } = told;
  return {
    kind: "errored",
    why,
    cause,
    authorizer,
    code,
    message: scrub(message, secrets),
    durationMs,
    delayMs,
    requestId,
  };
}

/** What a plain refusal of the request means: AWS says of a failed signature stage no more than that. */
function refusedCause({ tokenSignature }: InvokeRequest): CauseCode {
  return tokenSignature === null ? "CREDENTIAL_REJECTED" : "SIGNATURE_INVALID";
}

function toInput(authorizerName: string, request: InvokeRequest): TestInvokeAuthorizerCommandInput {
  const { token, tokenSignature, httpContext, mqttContext, tlsContext } = request;
  return {
    authorizerName,
    token: token?.exposeText(),
    tokenSignature: tokenSignature?.exposeText(),
    httpContext: httpContext
      ? { headers: exposed(httpContext.headers), queryString: httpContext.queryString?.exposeText() }
      : undefined,
    mqttContext: mqttContext
      ? {
          username: mqttContext.username?.exposeText(),
          password: mqttContext.password?.exposeBytes(),
          clientId: mqttContext.clientId ?? undefined,
        }
      : undefined,
    tlsContext: tlsContext ?? undefined,
  };
}

function exposed(headers: Readonly<Record<string, Secret>> | null): Record<string, string> | undefined {
  if (headers === null) return undefined;
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, value.exposeText()]));
}

function shownId(requestId: string | undefined, secrets: readonly Secret[]): string | null {
  return requestId === undefined ? null : scrub(requestId, secrets);
}
