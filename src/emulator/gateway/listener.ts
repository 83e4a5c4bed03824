import { Buffer } from "node:buffer";
import { constants } from "node:crypto";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import {
  createSecureContext,
  createServer as createTlsServer,
  type SecureContext,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import type { CertificateKind, Certificates } from "../certificates/store.ts";
import { findDomain } from "../domains.ts";
import type { Fault } from "../faults.ts";
import { certificateId } from "./client-certificates.ts";
import { type ClientHello, peekClientHello } from "./client-hello.ts";
import { createHttpGateway } from "./http-server.ts";
import type { Gateway, Link } from "./link.ts";
import { serveMqtt } from "./mqtt-server.ts";
import { decideOpening, type WayIn, wayIn } from "./way-in.ts";

const HANDSHAKE_WITHIN_MS = 10_000;
const INTERNAL_ERROR = 80;

/** What the client's first words decided, before TLS begins. */
interface Opening {
  readonly raw: Socket;
  readonly hello: ClientHello;
  readonly way: WayIn;
  readonly domain: Link["domain"];
}

/**
 * The device gateway's one listener. The ClientHello is read before TLS starts, because its names decide how the
 * handshake goes on: which certificate is shown, whether one is asked for, or an alert.
 */
export class GatewayListener {
  readonly #gateway: Gateway;
  readonly #certificates: Certificates;
  readonly #contexts = new Map<CertificateKind, SecureContext>();
  readonly #server: Server;
  readonly #plainTls: TlsServer;
  readonly #mutualTls: TlsServer;
  readonly #http: ReturnType<typeof createHttpGateway>;
  readonly #sockets = new Set<Socket>();
  readonly #httpSockets = new Set<TLSSocket>();
  /** By the client's address and port, which the raw and the TLS socket have in common. */
  readonly #openings = new Map<string, Opening>();
  readonly #links = new WeakMap<Duplex, Link>();

  constructor(gateway: Gateway, certificates: Certificates) {
    this.#gateway = gateway;
    this.#certificates = certificates;
    this.#plainTls = this.#createTls({});
    this.#mutualTls = this.#createTls({
      requestCert: true,
      rejectUnauthorized: true,
      ca: [...gateway.clientCertificates.trusted],
      // A registered certificate is trusted by itself, whoever issued it.
      allowPartialTrustChain: true,
    });
    this.#http = createHttpGateway(gateway, (socket) => this.#links.get(socket));
    // A WebSocket is told to go by its MQTT session.
    this.#http.prependListener("upgrade", ({ socket }) => this.#httpSockets.delete(socket as TLSSocket));
    this.#server = createServer({ noDelay: true }, (socket) => this.#accept(socket));
  }

  listen(host: string, port: number): Promise<Server> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host, port }, () => resolve(this.#server));
    });
  }

  /** Takes no more connections, and ends those that are open after what was written to them has gone out. */
  async stop(graceMs: number): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#httpSockets) socket.destroy();
    // Those that have not begun to speak TLS.
    for (const socket of this.#sockets) if (!this.#openings.has(addressOf(socket))) socket.destroy();
    // Clients that were told to go mostly go by themselves.
    const deadline = setTimeout(() => this.#destroyAll(), graceMs);
    await closed;
    clearTimeout(deadline);
  }

  #destroyAll(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  #createTls(options: object): TlsServer {
    const { certificate: cert, privateKey: key } = this.#certificates.valid;
    const server = createTlsServer({
      cert,
      key,
      minVersion: "TLSv1.2",
      // The gateway does not support session tickets (DG transport-security).
      secureOptions: constants.SSL_OP_NO_TICKET,
      handshakeTimeout: HANDSHAKE_WITHIN_MS,
      ALPNCallback: ({ servername, protocols }) => this.#selectAlpn(servername, protocols),
      SNICallback: (name, answer) => answer(null, this.#contextFor(name)),
      ...options,
    });
    server.on("secureConnection", (socket) => this.#secured(socket));
    server.on("tlsClientError", (_error, socket) => socket.destroy());
    return server;
  }

  #selectAlpn(serverName: string, offered: string[]): string | undefined {
    const { domains, config } = this.#gateway;
    const way = wayIn(config.listen.gatewayRole, findDomain(domains, serverName), offered);
    return way?.alpn ?? undefined;
  }

  #contextFor(serverName: string): SecureContext {
    const kind = findDomain(this.#gateway.domains, serverName)?.certificate ?? "valid";
    const known = this.#contexts.get(kind);
    if (known !== undefined) return known;
    const { certificate, privateKey } =
      kind === "valid" ? this.#certificates.valid : this.#certificates.faulty(kind);
    const { trusted } = this.#gateway.clientCertificates;
    const context = createSecureContext({
      cert: certificate,
      key: privateKey,
      minVersion: "TLSv1.2",
      secureOptions: constants.SSL_OP_NO_TICKET,
      // The context of a name replaces the server's own, its trust included.
      ...(trusted.length > 0 && { ca: [...trusted], allowPartialTrustChain: true }),
    });
    this.#contexts.set(kind, context);
    return context;
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once("close", () => this.#sockets.delete(socket));
    const onError = () => socket.destroy();
    socket.on("error", onError);
    const timer = setTimeout(onError, HANDSHAKE_WITHIN_MS);
    socket.once("close", () => clearTimeout(timer));
    let seen = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      seen = Buffer.concat([seen, chunk]);
      const peeked = peekClientHello(seen);
      if (peeked.kind === "incomplete") return;
      clearTimeout(timer);
      socket.off("data", onData);
      socket.pause();
      if (peeked.kind === "not-tls") {
        socket.destroy();
        return;
      }
      socket.unshift(seen);
      this.#open(socket, peeked.hello);
    };
    socket.on("data", onData);
  }

  #open(socket: Socket, hello: ClientHello): void {
    const fault = this.#gateway.faults.draw("tls", { serverName: hello.serverName ?? undefined });
    if (fault !== null) this.#strike(socket, hello, fault);
    else this.#startTls(socket, hello);
  }

  #strike(socket: Socket, hello: ClientHello, { kind, code, delayMs }: Fault): void {
    switch (kind) {
      case "tls-delay": {
        const timer = setTimeout(() => this.#startTls(socket, hello), delayMs);
        socket.once("close", () => clearTimeout(timer));
        return;
      }
      case "tls-alert":
        sendAlert(socket, code ?? INTERNAL_ERROR);
        return;
      case "tls-reset":
        socket.resetAndDestroy();
        return;
      case "tls-silent":
        // Read, so that the client's end is noticed; never answered.
        socket.resume();
        return;
      default:
        socket.end();
        socket.resume();
    }
  }

  #startTls(socket: Socket, hello: ClientHello): void {
    if (socket.destroyed) return;
    const { domains, config, account } = this.#gateway;
    const domain = findDomain(domains, hello.serverName);
    const decided = decideOpening(config.listen.gatewayRole, domain, hello.alpn, account.behaviours);
    if (decided.kind === "close") {
      socket.destroy();
      return;
    }
    if (decided.kind === "alert") {
      sendAlert(socket, decided.description);
      return;
    }
    const { way } = decided;
    const key = addressOf(socket);
    this.#openings.set(key, { raw: socket, hello, way, domain });
    socket.once("close", () => this.#openings.delete(key));
    const needsCertificate = way.credentials === "x509" || way.credentials === "custom-x509";
    (needsCertificate ? this.#mutualTls : this.#plainTls).emit("connection", socket);
  }

  #secured(socket: TLSSocket): void {
    socket.on("error", () => socket.destroy());
    const opening = this.#openings.get(addressOf(socket));
    // A handshake may end while we stop.
    if (opening === undefined || this.#gateway.signal.aborted) {
      socket.destroy();
      return;
    }
    const { raw, hello, way, domain } = opening;
    const certificate = socket.getPeerX509Certificate();
    const link: Link = {
      way,
      domain,
      serverName: hello.serverName,
      certificate: certificate ? { pem: certificate.toString(), id: certificateId(certificate.raw) } : null,
      sourceIp: (socket.remoteAddress ?? "").replace(/^::ffff:/, ""),
      reset: () => raw.resetAndDestroy(),
    };
    if (way.speaks === "mqtt") {
      void serveMqtt(this.#gateway, { ...link, stream: socket, http: null });
      return;
    }
    this.#links.set(socket, link);
    this.#httpSockets.add(socket);
    socket.once("close", () => this.#httpSockets.delete(socket));
    this.#http.emit("connection", socket);
  }
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function sendAlert(socket: Socket, description: number): void {
  // A fatal alert in the clear (RFC 8446, 6): nothing has been encrypted yet.
  socket.end(Buffer.from([21, 3, 3, 0, 2, 2, description]));
  socket.resume();
}
