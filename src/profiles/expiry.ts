import { X509Certificate } from "node:crypto";
import { jwtExpirySeconds } from "../lib/jwt.ts";
import type { Credentials } from "../model/profile.ts";

/**
 * When the first of the credentials ends, as far as they say it themselves (a JWT as token or password, a client
 * certificate) or the command that gave them did. Milliseconds since the epoch; null: none says.
 */
export function expiryMs(credentials: Credentials, commandSaysMs: number | null): number | null {
  const { token, password, clientCertificate } = credentials;
  const jwts = [token?.kind === "jwt" ? token.jwt : token?.value, password].map((each) =>
    jwtExpirySeconds(each?.exposeText()),
  );
  const ends = [
    commandSaysMs,
    ...jwts.map((seconds) => (seconds === null ? null : seconds * 1000)),
    clientCertificate === null ? null : certificateEndMs(clientCertificate.cert.exposeText()),
  ].filter((each) => each !== null);
  return ends.length === 0 ? null : Math.min(...ends);
}

function certificateEndMs(pem: string): number | null {
  try {
    return new X509Certificate(pem).validToDate.getTime();
  } catch {
    // That it is no certificate is said when it is used.
    return null;
  }
}
