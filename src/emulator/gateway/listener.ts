import { Buffer } from "node:buffer";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import type { CertificateKind, Certificates } from "../certificates/store.ts";
import { findDomain } from "../domains.ts";
import type { Fault } from "../faults.ts";
import { certificateId } from "./client-certificates.ts";
import { type ClientHello, peekClientHello } from "./client-hello.ts";
import { createHttpGateway } from "./http-server.ts";
import type { Gateway, Link } from "./link.ts";
import { serveMqtt } from "./mqtt-server.ts";
import { HANDSHAKE_WITHIN_MS, TlsServers } from "./tls-servers.ts";
import { decideOpening, type WayIn } from "./way-in.ts";

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
  readonly #server: Server;
  readonly #tls: TlsServers;
  readonly #http: ReturnType<typeof createHttpGateway>;
  readonly #sockets = new Set<Socket>();
  readonly #httpSockets = new Set<TLSSocket>();
  /** By the client's address and port, which the raw and the TLS socket have in common. */
  readonly #openings = new Map<string, Opening>();
  readonly #links = new WeakMap<Duplex, Link>();

  constructor(gateway: Gateway, certificates: Certificates) {
    this.#gateway = gateway;
    this.#tls = new TlsServers(gateway, certificates, (socket) => this.#secured(socket));
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
    else this.#startTls(socket, hello, null);
  }

  #strike(socket: Socket, hello: ClientHello, { kind, code, certificate, delayMs }: Fault): void {
    switch (kind) {
      case "tls-certificate":
        this.#startTls(socket, hello, certificate ?? null);
        return;
      case "tls-delay": {
        const timer = setTimeout(() => this.#startTls(socket, hello, null), delayMs);
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

  /** @param certificate shown in place of the domain's own */
  #startTls(socket: Socket, hello: ClientHello, certificate: CertificateKind | null): void {
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
    const isMutual = way.credentials === "x509" || way.credentials === "custom-x509";
    this.#tls.take(socket, certificate ?? domain?.certificate ?? "valid", isMutual);
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
      socket: endsOf(socket),
      reset: () => raw.resetAndDestroy(),
    };
    if (!this.#strikeOpen(socket, link)) return;
    if (way.speaks === "mqtt") {
      void serveMqtt(this.#gateway, { ...link, stream: socket, http: null });
      return;
    }
    this.#links.set(socket, link);
    this.#httpSockets.add(socket);
    socket.once("close", () => this.#httpSockets.delete(socket));
    this.#http.emit("connection", socket);
  }

  /** Does what a fault says that strikes once TLS is up; true: the connection goes on all the same. */
  #strikeOpen(socket: TLSSocket, { serverName, way, reset }: Link): boolean {
    const protocol = way.speaks === "mqtt" ? "mqtt" : undefined;
    const fault = this.#gateway.faults.draw("open", { serverName: serverName ?? undefined, protocol });
    switch (fault?.kind) {
      case undefined:
        return true;
      case "open-reset":
        reset();
        return false;
      case "open-silent":
        this.#swallow(socket);
        return false;
      default:
        socket.end();
        this.#swallow(socket);
        return false;
    }
  }

  /** Reads, so that the client's end is noticed, and answers nothing. */
  #swallow(socket: TLSSocket): void {
    socket.resume();
    this.#httpSockets.add(socket);
    socket.once("close", () => this.#httpSockets.delete(socket));
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): Link["socket"] {
  const plain = (address = "") => address.replace(/^::ffff:/, "");
  return {
    sourceIp: plain(remoteAddress),
    sourcePort: remotePort ?? 0,
    targetIp: plain(localAddress),
    targetPort: localPort ?? 0,
  };
}

function addressOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

function sendAlert(socket: Socket, description: number): void {
  // A fatal alert in the clear (RFC 8446, 6): nothing has been encrypted yet.
  socket.end(Buffer.from([21, 3, 3, 0, 2, 2, description]));
  socket.resume();
}
