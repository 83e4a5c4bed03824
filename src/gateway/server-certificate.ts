import type { X509Certificate } from "node:crypto";
import tls, { type PeerCertificate, type TLSSocket } from "node:tls";

/** A server's own certificate, without its chain. */
export interface ServerCertificate {
  /** DER. */
  readonly raw: Buffer;
  readonly certificate: X509Certificate;
  /** Why it does not hold for the name it was asked for; undefined: it does. */
  readonly nameProblem: Error | undefined;
}

/** Of the last certificate that was shown for each name: a fleet is shown the same one again and again. */
const shown = new Map<string, ServerCertificate>();
const MAX_KEPT = 64;

/**
 * The certificate of a connection that was made for this name; undefined: there is none yet. That it is trusted and
 * in its time is not looked at here: OpenSSL verifies each handshake.
 */
export function serverCertificate(socket: TLSSocket, name: string): ServerCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  const { raw } = certificate;
  const known = shown.get(name);
  if (known?.raw.equals(raw)) return known;
  const nameProblem = tls.checkServerIdentity(name, namesOf(certificate));
  const answer = { raw, certificate, nameProblem };
  if (shown.size >= MAX_KEPT) for (const oldest of shown.keys().take(1)) shown.delete(oldest);
  shown.set(name, answer);
  return answer;
}

/** What a certificate is checked against names by; its subject counts only where it has no DNS names. */
function namesOf(certificate: X509Certificate): PeerCertificate {
  if (certificate.subjectAltName?.includes("DNS:")) {
    return { subject: {}, subjectaltname: certificate.subjectAltName } as PeerCertificate;
  }
  return certificate.toLegacyObject() as unknown as PeerCertificate;
}
