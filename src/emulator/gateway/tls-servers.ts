import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { createSecureContext, createServer, type Server, type TLSSocket } from "node:tls";
import type { CertificateKind, Certificates } from "../certificates/store.ts";
import { findDomain } from "../domains.ts";
import type { Gateway } from "./link.ts";
import { wayIn } from "./way-in.ts";

export const HANDSHAKE_WITHIN_MS = 10_000;

/**
 * The gateway's side of TLS: one server for each certificate it may show, with and without asking for the client's.
 * None of them listens: connections are handed to them, once their ClientHello has decided which it is.
 */
export class TlsServers {
  readonly #gateway: Gateway;
  readonly #certificates: Certificates;
  readonly #secured: (socket: TLSSocket) => void;
  readonly #servers = new Map<string, Server>();

  /** @param secured gets each connection whose handshake is done */
  constructor(gateway: Gateway, certificates: Certificates, secured: (socket: TLSSocket) => void) {
    this.#gateway = gateway;
    this.#certificates = certificates;
    this.#secured = secured;
  }

  /**
   * @param socket nothing of it has been read, or it has been put back
   * @param isMutual the client has to show a registered certificate
   */
  take(socket: Socket, kind: CertificateKind, isMutual: boolean): void {
    const key = `${kind} ${isMutual}`;
    const server = this.#servers.get(key) ?? this.#create(kind, isMutual);
    this.#servers.set(key, server);
    server.emit("connection", socket);
  }

  #create(kind: CertificateKind, isMutual: boolean): Server {
    const { certificate, privateKey } =
      kind === "valid" ? this.#certificates.valid : this.#certificates.faulty(kind);
    const common = {
      cert: certificate,
      key: privateKey,
      minVersion: "TLSv1.2",
      // The gateway does not support session tickets (DG transport-security).
      secureOptions: constants.SSL_OP_NO_TICKET,
      ...(isMutual && { ca: [...this.#gateway.clientCertificates.trusted] }),
    } as const;
    // A registered certificate is trusted by itself, whoever issued it. `createServer` has no such option.
    const context = createSecureContext({ ...common, allowPartialTrustChain: isMutual });
    const server = createServer({
      ...common,
      handshakeTimeout: HANDSHAKE_WITHIN_MS,
      SNICallback: (_name, answer) => answer(null, context),
      ALPNCallback: ({ servername, protocols }) => this.#selectAlpn(servername, protocols),
      ...(isMutual && { requestCert: true, rejectUnauthorized: true }),
    });
    server.on("secureConnection", this.#secured);
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  }

  #selectAlpn(serverName: string, offered: string[]): string | undefined {
    const { domains, config } = this.#gateway;
    const way = wayIn(config.listen.gatewayRole, findDomain(domains, serverName), offered);
    return way?.alpn ?? undefined;
  }
}
