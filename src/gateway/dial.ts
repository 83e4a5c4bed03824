import type { X509Certificate } from "node:crypto";
import { lookup } from "node:dns/promises";
import { isIP } from "node:net";
import tls, { type DetailedPeerCertificate, type TLSSocket } from "node:tls";
import type { TlsWire } from "../model/context.ts";
import type { ReadyTarget } from "../model/target.ts";
import type { Attempt } from "./attempt.ts";
import type { Ending } from "./ending.ts";
import { secureContext } from "./secure-context.ts";
import { type ServerCertificate, serverCertificate } from "./server-certificate.ts";

/**
 * Opens the one TLS connection of an attempt: one address, no second try, no session resumed. The answer is a
 * socket whose server certificate holds for the name asked for, so credentials may be sent; null when the
 * attempt has its verdict already. The socket is closed when the attempt is over; what befalls it until then
 * is the caller's to watch (TLS 1.3 reports a refused client certificate only after the handshake).
 */
export async function dial(target: ReadyTarget, wire: TlsWire, attempt: Attempt): Promise<TLSSocket | null> {
  const answer = secureContext(target.ca, wire);
  if (answer.kind === "unusable") {
    attempt.settle(answer);
    return null;
  }
  attempt.enter("dns");
  const address = await resolve(target, attempt);
  if (address === null || attempt.settled) return null;
  attempt.observe({ address });
  attempt.enter("tcp");
  const serverName = wire.serverName ?? target.endpoint;
  let shown: ServerCertificate | undefined;
  const certificate = () => {
    shown ??= serverCertificate(socket, serverName);
    return shown;
  };
  const socket: TLSSocket = tls.connect({
    host: address,
    port: target.port,
    secureContext: answer.context,
    ALPNProtocols: [...wire.alpn],
    // RFC 6066 section 3: an address is no server name.
    servername: wire.serverName === null || isIP(wire.serverName) !== 0 ? "" : wire.serverName,
    // The verification is the same, but its evidence is kept: `inspect` ends the attempt where it failed.
    rejectUnauthorized: false,
    checkServerIdentity: () => {
      const { nameProblem } = certificate() ?? { nameProblem: new Error("the server shows no certificate") };
      return nameProblem;
    },
  });
  // Node turns the whole chain into objects for `checkServerIdentity`, which costs more than the rest of the handshake
  // here, and asks for it in this way. Only names are needed, and those are read from the certificate itself.
  socket.getPeerCertificate = () => NO_CHAIN;
  attempt.defer(() => close(socket));
  return handshake(socket, certificate, attempt);
}

const NO_CHAIN = {} as DetailedPeerCertificate;

async function resolve(target: ReadyTarget, attempt: Attempt): Promise<string | null> {
  const host = target.address ?? target.endpoint;
  if (isIP(host) !== 0) return host;
  const family = target.addressFamily === "any" ? 0 : target.addressFamily;
  const found = lookup(host, { family }).then(
    ({ address }) => address,
    (error: unknown) => {
      attempt.settle({ kind: "failed", error });
      return null;
    },
  );
  // A lookup cannot be cancelled; nobody waits for it longer than the attempt lasts.
  return Promise.race([found, attempt.verdict.then(() => null)]);
}

function handshake(
  socket: TLSSocket,
  certificate: () => ServerCertificate | undefined,
  attempt: Attempt,
): Promise<TLSSocket | null> {
  return new Promise((resolve) => {
    const fail = (ending: Ending): void => {
      attempt.settle(ending);
      resolve(null);
    };
    const onError = (error: Error): void => fail({ kind: "failed", error });
    const onClose = (): void => fail({ kind: "closed", reason: null });
    // An error that comes when all is over must find a listener too.
    socket.on("error", () => {});
    socket.once("error", onError);
    socket.once("close", onClose);
    socket.once("connect", () => {
      socket.setNoDelay(true);
      attempt.enter("tls");
    });
    socket.once("secureConnect", () => {
      socket.off("error", onError);
      socket.off("close", onClose);
      const problem = inspect(socket, certificate()?.certificate, attempt);
      if (problem === null) resolve(socket);
      else fail(problem);
    });
  });
}

/** Keeps what the handshake showed; answers what is wrong with the server's certificate. */
function inspect(
  socket: TLSSocket,
  certificate: X509Certificate | undefined,
  attempt: Attempt,
): Ending | null {
  const cipher = socket.getCipher();
  attempt.observe({
    tls: {
      version: socket.getProtocol() ?? "unknown",
      cipher: cipher.standardName ?? cipher.name,
      alpn: typeof socket.alpnProtocol === "string" ? socket.alpnProtocol : null,
    },
    certificateExpiresAtMs: certificate?.validToDate.getTime() ?? null,
  });
  if (socket.authorized) return null;
  const code = String(socket.authorizationError ?? "UNKNOWN");
  const subject =
    certificate === undefined ? "" : ` (${certificate.subject?.replaceAll("\n", ", ") ?? "no subject"})`;
  return {
    kind: "certificate",
    code,
    reason: `the server's certificate is not valid${subject}: ${describe(code, certificate)}`,
  };
}

function describe(
  code: string,
  certificate: { validTo: string; subjectAltName: string | undefined } | undefined,
): string {
  if (code === "CERT_HAS_EXPIRED") return `it expired on ${certificate?.validTo}`;
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return `it is for other names: ${certificate?.subjectAltName}`;
  return code;
}

function close(socket: TLSSocket): Promise<void> {
  return new Promise((resolve) => {
    if (socket.closed) {
      resolve();
      return;
    }
    socket.once("close", () => resolve());
    socket.destroy();
  });
}
