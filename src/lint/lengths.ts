import { Buffer } from "node:buffer";
import { excess, INVOKE_LIMITS, MAX_CLIENT_ID_BYTES } from "../lib/aws-limits.ts";
import type { DeviceContext } from "../model/context.ts";
import type { Profile } from "../model/profile.ts";
import type { Secret } from "../model/secret.ts";
import { type LintCheck, type LintFinding, problem, warning } from "./finding.ts";

/** The limits of API_TestInvokeAuthorizer, and MQTT's own where a text's length has two bytes [MQTT-1.5.4]. */
export const lengths: LintCheck = ({ profile, contexts }) =>
  contexts.flatMap((context) => [...requestLengths(profile, context), ...connectLengths(context)]);

function requestLengths(profile: Profile, { request }: DeviceContext): readonly LintFinding[] {
  const { token, tokenSignature, httpContext, tlsContext } = request;
  const tokenField =
    profile.token === null ? "username" : profile.token.kind === "jwt" ? "token.jwt" : "token.value";
  const signatureField = profile.token?.kind === "value" ? "token.signature" : tokenField;
  const headers = Object.entries(httpContext?.headers ?? {});
  return [
    ...tooLong(tokenField, "the token", token, INVOKE_LIMITS.token),
    ...tooLong(signatureField, "the signature", tokenSignature, INVOKE_LIMITS.tokenSignature),
    ...tooLong("queryString", "the query string", httpContext?.queryString, INVOKE_LIMITS.queryString),
    ...tooLong("tls.serverName", "the server name", tlsContext?.serverName, INVOKE_LIMITS.serverName),
    ...headers.flatMap(([name, value]) =>
      tooLong(
        Object.hasOwn(profile.headers, name) ? "headers" : tokenField,
        "a header",
        value,
        INVOKE_LIMITS.header,
      ),
    ),
  ];
}

function connectLengths({ wire }: DeviceContext): readonly LintFinding[] {
  if (wire.kind === "https") return [];
  const { username, password } = wire.connect;
  return [
    ...tooManyBytes("username", "the wire username", username, INVOKE_LIMITS.username),
    ...tooManyBytes("password", "the password", password, INVOKE_LIMITS.password),
  ];
}

function tooLong(
  field: string,
  what: string,
  value: Secret | string | null | undefined,
  max: number,
): readonly LintFinding[] {
  const found = excess(typeof value === "string" ? value : (value?.exposeText() ?? ""), max);
  return found === 0
    ? []
    : [problem("too-long", field, `${what} has ${found} characters, at most ${max} are taken`)];
}

function tooManyBytes(
  field: string,
  what: string,
  value: Secret | null,
  max: number,
): readonly LintFinding[] {
  const found = value?.length ?? 0;
  return found <= max
    ? []
    : [problem("too-long", field, `${what} has ${found} bytes, at most ${max} are taken`)];
}

/** Row 22, and what policies make of a client id (DG/basic-policy-variables.html). */
export const clientId: LintCheck = ({ profile: { clientId: id } }) => {
  if (id === null) return [];
  const findings: LintFinding[] = [];
  const bytes = Buffer.byteLength(id);
  if (bytes > MAX_CLIENT_ID_BYTES) {
    const message = `has ${bytes} bytes, the gateway takes at most ${MAX_CLIENT_ID_BYTES}`;
    findings.push(problem("client-id-too-long", "clientId", message));
  }
  if (/[+#*]/.test(id)) {
    const message = "holds '+', '#' or '*': a policy that uses ${iot:ClientId} becomes wider than meant";
    findings.push(warning("client-id-wildcard", "clientId", message));
  }
  if (id.startsWith("$GEN/")) {
    findings.push(warning("client-id-assigned", "clientId", "starts with $GEN/: the gateway assigned it"));
  }
  return findings;
};
