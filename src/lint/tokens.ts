import { jwtExpirySeconds } from "../lib/jwt.ts";
import type { Credentials } from "../model/profile.ts";
import type { Secret } from "../model/secret.ts";
import { type LintCheck, problem, warning } from "./finding.ts";

const SOON_SECONDS = 24 * 3600;
/** A JWT where any text may stand: its header is a JSON object in base64url. */
const JWT = /^(?:bearer\s+)?(eyJ[\w-]*\.[\w-]+(?:\.[\w-]*)?)$/i;

/** RFC 7519, section 4.1.4: on or after `exp` a token must not be accepted. */
export const tokenExpiry: LintCheck = ({ credentials, nowMs }) => {
  if (credentials === null) return [];
  return candidates(credentials).flatMap(([field, secret]) => {
    const token = JWT.exec(secret?.exposeText() ?? "")?.[1];
    const expiry = jwtExpirySeconds(token);
    if (expiry === null) return [];
    const leftSeconds = expiry - nowMs / 1000;
    const at = new Date(expiry * 1000).toISOString();
    if (leftSeconds <= 0) return [problem("token-expired", field, `a JWT that expired at ${at}`)];
    if (leftSeconds > SOON_SECONDS) return [];
    return [warning("token-expires-soon", field, `a JWT that expires at ${at}`)];
  });
};

function candidates({ token, password, headers }: Credentials): [string, Secret | null][] {
  const ofToken: [string, Secret | null] =
    token?.kind === "jwt" ? ["token.jwt", token.jwt] : ["token.value", token?.value ?? null];
  const ofHeaders = Object.values(headers).map((value): [string, Secret] => ["headers", value]);
  return [ofToken, ["password", password], ...ofHeaders];
}
