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

const AUTHORIZER_NAME = /^[\w=,@-]{1,128}$/;
const PLAIN_BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MAX_PASSWORD_BYTES = 65_535;
const MAX_HEADER_CHARACTERS = 8192;

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
  if (bytes <= MAX_PASSWORD_BYTES) return null;
  return tooLong("PROFILE_INVALID", "password", bytes, MAX_PASSWORD_BYTES, "bytes");
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
    { field: "token", text: text(token), max: 6144, ...profile },
    { field: "tokenSignature", text: text(tokenSignature), max: 2560, cause: "SIGNATURE_INVALID" },
    { field: "query string", text: text(httpContext?.queryString), max: 4096, ...profile },
    { field: "username", text: text(mqttContext?.username), max: 65_535, cause: "USERNAME_MALFORMED" },
    { field: "clientId", text: mqttContext?.clientId ?? null, max: 65_535, cause: "CLIENT_ID_INVALID" },
    { field: "server name", text: tlsContext?.serverName ?? null, max: 253, ...profile },
    ...Object.entries(httpContext?.headers ?? {}).flatMap(([name, value]) => [
      { field: "the name of a header", text: name, max: MAX_HEADER_CHARACTERS, ...profile },
      { field: `header ${name}`, text: text(value), max: MAX_HEADER_CHARACTERS, ...profile },
    ]),
  ];
}

function text(secret: Secret | null | undefined): string | null {
  return secret?.exposeText() ?? null;
}

/** The number of characters where it is more than `max`, else 0. Characters are code points (Smithy `@length`). */
function excess(value: string, max: number): number {
  if (value.length <= max) return 0;
  const characters = [...value].length;
  return characters > max ? characters : 0;
}

function tooLong(cause: CauseCode, field: string, found: number, max: number, unit: string): LimitBreach {
  return { cause, message: `${field} has ${found} ${unit}, TestInvokeAuthorizer takes at most ${max}` };
}
