import { Buffer } from "node:buffer";

/** Beyond this no calendar goes; a claim in milliseconds lands here too. */
const MAX_SECONDS = 1e11;

/** When a token says that it expires (RFC 7519, `exp`), in seconds since the epoch; null: it is no JWT or does not say. */
export function jwtExpirySeconds(token: string | undefined): number | null {
  const payload = token?.split(".")[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const exp = (claims as { exp?: unknown } | null)?.exp;
    return typeof exp === "number" && Math.abs(exp) < MAX_SECONDS ? exp : null;
  } catch {
    return null;
  }
}
