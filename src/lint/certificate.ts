import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Secret } from "../model/secret.ts";
import { type LintCheck, type LintFinding, problem, warning } from "./finding.ts";

const SOON_MS = 30 * 24 * 3_600_000;

/** The device's own certificate: the first one of its file. */
export const clientCertificate: LintCheck = ({ credentials, nowMs }) => {
  const pair = credentials?.clientCertificate;
  if (!pair) return [];
  const certificate = parse(pair.cert);
  if (certificate === null) {
    return [problem("certificate-unreadable", "tls.certFile", "is not a certificate in PEM")];
  }
  return [...validity(certificate, nowMs), ...keyOf(certificate, pair.key)];
};

function parse(pem: Secret): X509Certificate | null {
  try {
    return new X509Certificate(pem.exposeBytes());
  } catch {
    return null;
  }
}

/** Whether the gateway looks at the dates is not documented; AWS says that such a certificate should not be used. */
function validity({ validFromDate, validToDate }: X509Certificate, nowMs: number): readonly LintFinding[] {
  const find = (message: string) => [warning("certificate-expires", "tls.certFile", message)];
  const leftMs = validToDate.getTime() - nowMs;
  if (leftMs <= 0) return find(`expired at ${validToDate.toISOString()}`);
  if (leftMs <= SOON_MS) return find(`expires at ${validToDate.toISOString()}`);
  return validFromDate.getTime() > nowMs ? find(`is not valid before ${validFromDate.toISOString()}`) : [];
}

function keyOf(certificate: X509Certificate, pem: Secret): readonly LintFinding[] {
  try {
    if (certificate.checkPrivateKey(createPrivateKey(pem.exposeBytes()))) return [];
  } catch {
    return [problem("certificate-key-mismatch", "tls.keyFile", "is not an unencrypted private key in PEM")];
  }
  return [problem("certificate-key-mismatch", "tls.keyFile", "is not the private key of tls.certFile")];
}
