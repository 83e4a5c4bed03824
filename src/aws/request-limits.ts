import { AUTHORIZER_NAME, excess, INVOKE_LIMITS, PLAIN_BASE64 } from "../lib/aws-limits.ts";
import type { CauseCode } from "../model/causes.ts";
import type { InvokeRequest } from "../model/context.ts";
import type { Secret } from "../model/secret.ts";

/** Why the API would refuse a request, known without asking. The message holds no value. */
export interface LimitBreach {
  readonly cause: CauseCode;
  readonly message: string;
}

interface TextLimit {
  readonly field: string;
  readonly text: string | null;
  readonly max: number;
  readonly cause: CauseCode;
}

/**
 * Checks a request against the limits of API_TestInvokeAuthorizer (HttpContext, MqttContext and TlsContext
 * included). A breach is what the API would answer with InvalidRequestException; lengths are in characters.
 */
export function limitBreach(authorizer: string, request: InvokeRequest): LimitBreach | null {
  if (!AUTHORIZER_NAME.test(authorizer)) {
    const message = "no authorizer can have this name: 1 to 128 letters, digits and _ = , @ - are allowed";
    return { cause: "AUTHORIZER_NOT_FOUND", message };
  }
  const signature = text(request.tokenSignature);
  if (signature !== null && !PLAIN_BASE64.test(signature)) {
    const message = "tokenSignature is not plain base64 (neither base64url nor URL-encoded, no line breaks)";
    return { cause: "SIGNATURE_NOT_BASE64", message };
  }
  for (const limit of textLimits(request)) {
    const found = limit.text === null ? 0 : excess(limit.text, limit.max);
    if (found > 0) return tooLong(limit.cause, limit.field, found, limit.max, "characters");
  }
  const bytes = request.mqttContext?.password?.length ?? 0;
  if (bytes <= INVOKE_LIMITS.password) return null;
  return tooLong("PROFILE_INVALID", "password", bytes, INVOKE_LIMITS.password, "bytes");
}

function textLimits({
  token,
  tokenSignature,
  httpContext,
  mqttContext,
  tlsContext,
}: InvokeRequest): TextLimit[] {
  const profile = { cause: "PROFILE_INVALID" } as const;
  return [
    { field: "token", text: text(token), max: INVOKE_LIMITS.token, ...profile },
    {
      field: "tokenSignature",
      text: text(tokenSignature),
      max: INVOKE_LIMITS.tokenSignature,
      cause: "SIGNATURE_INVALID",
    },
    {
      field: "query string",
      text: text(httpContext?.queryString),
      max: INVOKE_LIMITS.queryString,
      ...profile,
    },
    {
      field: "username",
      text: text(mqttContext?.username),
      max: INVOKE_LIMITS.username,
      cause: "USERNAME_MALFORMED",
    },
    {
      field: "clientId",
      text: mqttContext?.clientId ?? null,
      max: INVOKE_LIMITS.clientId,
      cause: "CLIENT_ID_INVALID",
    },
    { field: "server name", text: tlsContext?.serverName ?? null, max: INVOKE_LIMITS.serverName, ...profile },
    ...Object.entries(httpContext?.headers ?? {}).flatMap(([name, value]) => [
      { field: "the name of a header", text: name, max: INVOKE_LIMITS.header, ...profile },
      { field: `header ${name}`, text: text(value), max: INVOKE_LIMITS.header, ...profile },
    ]),
  ];
}

function text(secret: Secret | null | undefined): string | null {
  return secret?.exposeText() ?? null;
}

function tooLong(cause: CauseCode, field: string, found: number, max: number, unit: string): LimitBreach {
  return { cause, message: `${field} has ${found} ${unit}, TestInvokeAuthorizer takes at most ${max}` };
}
