import { createPrivateKey, X509Certificate } from "node:crypto";
import tls, { type SecureContext } from "node:tls";
import { errorMessage } from "../lib/errors.ts";
import type { CauseCode } from "../model/causes.ts";
import type { TlsWire } from "../model/context.ts";

export type ContextAnswer =
  | { readonly kind: "ready"; readonly context: SecureContext }
  | { readonly kind: "unusable"; readonly cause: CauseCode; readonly reason: string };

/** Reading a few hundred roots costs about 25 ms, so contexts without a client key are kept; one per target and TLS options. */
const MAX_CACHED = 64;
const cache = new Map<string, SecureContext>();

/**
 * The trust, versions, groups and client certificate of one connection. Contexts that hold a client key are
 * made for one connection and never kept.
 */
export function secureContext(ca: string | null, wire: TlsWire): ContextAnswer {
  const problem = clientCertificateProblem(wire.clientCertificate);
  if (problem !== null) return { kind: "unusable", cause: "CREDENTIAL_UNAVAILABLE", reason: problem };
  try {
    return { kind: "ready", context: wire.clientCertificate === null ? cached(ca, wire) : create(ca, wire) };
  } catch (error) {
    return {
      kind: "unusable",
      cause: "TESTER_ERROR",
      reason: `the TLS options (CA, versions or groups) are not usable: ${errorMessage(error)}`,
    };
  }
}

function cached(ca: string | null, wire: TlsWire): SecureContext {
  // Looked up for every connection: texts, not their digests.
  const key = `${wire.minVersion} ${wire.maxVersion} ${wire.groups} ${ca}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const context = create(ca, wire);
  if (cache.size >= MAX_CACHED) for (const oldest of cache.keys().take(1)) cache.delete(oldest);
  cache.set(key, context);
  return context;
}

function create(ca: string | null, wire: TlsWire): SecureContext {
  const client = wire.clientCertificate;
  if (ca !== null) checkCa(ca);
  return tls.createSecureContext({
    ca: ca ?? systemRoots(),
    minVersion: wire.minVersion,
    maxVersion: wire.maxVersion,
    ecdhCurve: wire.groups,
    ...(client === null ? {} : { cert: client.cert.exposeBytes(), key: client.key.exposeBytes() }),
  });
}

/** Node trusts nobody, without a word, when it cannot read a CA: that would look like the gateway's fault. */
function checkCa(pem: string): void {
  const certificates = pem.match(/-----BEGIN [A-Z ]*CERTIFICATE-----[^-]*-----END [A-Z ]*CERTIFICATE-----/g);
  if (certificates === null) throw new Error("the CA file holds no certificate");
  for (const each of certificates) new X509Certificate(each);
}

/** The machine's store and NODE_EXTRA_CA_CERTS; a slim image has no store, so Node's own roots stand in. */
function systemRoots(): string[] {
  const roots = [...tls.getCACertificates("system"), ...tls.getCACertificates("extra")];
  return roots.length > 0 ? roots : tls.getCACertificates("default");
}

/** Checked apart from the rest, because the fault is another's: the profile's files, not the tester. */
function clientCertificateProblem(client: TlsWire["clientCertificate"]): string | null {
  if (client === null) return null;
  try {
    const certificate = new X509Certificate(client.cert.exposeBytes());
    const key = createPrivateKey(client.key.exposeBytes());
    return certificate.checkPrivateKey(key)
      ? null
      : "the client key does not belong to the client certificate";
  } catch (error) {
    return `the client certificate or its key cannot be read: ${errorMessage(error)}`;
  }
}
