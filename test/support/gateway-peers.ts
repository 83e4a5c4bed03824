import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { createServer as createTlsServer, type TLSSocket, type TlsOptions } from "node:tls";
import { generate, type IConnectPacket, type Packet, parser } from "mqtt-packet";
import type { KeyPair } from "./gateway-pki.ts";

/** A server on 127.0.0.1 that is closed, with all its connections, by `await using`. */
export interface Peer extends AsyncDisposable {
  readonly port: number;
  /** TCP connections seen so far. */
  readonly connections: readonly Socket[];
}

export function tcpPeer(onSocket: (socket: Socket) => void): Promise<Peer> {
  return start(createServer((socket) => shielded(socket, onSocket)));
}

export function tlsPeer(
  keys: KeyPair,
  onSocket: (socket: TLSSocket) => void,
  options: TlsOptions = {},
): Promise<Peer> {
  const server = createTlsServer({ ...keys, ...options }, (socket) => shielded(socket, onSocket));
  // A client that gives up in the handshake is what some tests are about.
  server.on("tlsClientError", () => {});
  return start(server);
}

function shielded<S extends Socket>(socket: S, onSocket: (socket: S) => void): void {
  socket.on("error", () => {});
  onSocket(socket);
}

async function start(server: Server): Promise<Peer> {
  const connections: Socket[] = [];
  server.on("connection", (socket: Socket) => {
    connections.push(socket);
    socket.on("error", () => {});
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  return {
    port: address.port,
    connections,
    [Symbol.asyncDispose]: async () => {
      for (const socket of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Sends RST: a plain destroy would say FIN. */
export function reset(peer: Peer): void {
  peer.connections.at(-1)?.resetAndDestroy();
}

/** Writes for ever, as fast as the other side takes it; answers how many bytes the kernel took. */
export function flood(socket: Socket, chunk: Buffer): () => number {
  let accepted = 0;
  const pump = (): void => {
    if (socket.destroyed) return;
    socket.write(chunk, (error) => {
      if (error) return;
      accepted += chunk.length;
      setImmediate(pump);
    });
  };
  pump();
  return () => accepted;
}

export interface MqttPeerHandlers {
  readonly onConnect: (packet: IConnectPacket, session: MqttPeerSession) => void;
  readonly onPacket?: (packet: Packet, session: MqttPeerSession) => void;
}

export interface MqttPeerSession {
  readonly stream: Duplex;
  send(packet: Packet): void;
  raw(bytes: readonly number[] | string): void;
}

/** Speaks MQTT as a broker would over one stream; what it says is the test's. */
export function serveMqtt(stream: Duplex, handlers: MqttPeerHandlers): void {
  const parsing = parser();
  let protocolVersion = 4;
  const session: MqttPeerSession = {
    stream,
    send: (packet) => {
      stream.write(generate(packet, { protocolVersion }));
    },
    raw: (bytes) => {
      stream.write(typeof bytes === "string" ? bytes : Buffer.from(bytes));
    },
  };
  parsing.on("packet", (packet) => {
    if (packet.cmd === "connect") {
      protocolVersion = packet.protocolVersion ?? 4;
      handlers.onConnect(packet, session);
    } else {
      handlers.onPacket?.(packet, session);
    }
  });
  // Something that is no MQTT, for example a request for the data plane's API.
  parsing.on("error", () => stream.destroy());
  stream.on("error", () => {});
  stream.on("data", (chunk: Buffer) => parsing.parse(chunk));
}

export interface HttpRequestSeen {
  readonly line: string;
  /** As on the wire: names in their own case. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** Reads one HTTP request by hand and hands it out with its bytes as they came. */
export function readRequest(socket: Socket, onRequest: (request: HttpRequestSeen) => void): void {
  let text = "";
  const onData = (chunk: Buffer): void => {
    text += chunk.toString("latin1");
    const end = text.indexOf("\r\n\r\n");
    if (end < 0) return;
    const [line = "", ...headers] = text.slice(0, end).split("\r\n");
    const length = Number(headerOf(headers, "content-length") ?? "0");
    const body = text.slice(end + 4);
    if (body.length < length) return;
    socket.off("data", onData);
    onRequest({ line, headers, body });
  };
  socket.on("data", onData);
}

export function headerOf(headers: readonly string[], name: string): string | undefined {
  const prefix = `${name}: `;
  return headers.find((each) => each.toLowerCase().startsWith(prefix))?.slice(prefix.length);
}

/** The 101 answer to an upgrade, written by hand (RFC 6455 section 4.2.2). */
export function upgradeAnswer(request: HttpRequestSeen, subprotocol: string | null): string {
  const key = headerOf(request.headers, "sec-websocket-key") ?? "";
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const lines = [
    "HTTP/1.1 101 Switching Protocols",
    "Upgrade: websocket",
    "Connection: Upgrade",
    `Sec-WebSocket-Accept: ${accept}`,
  ];
  if (subprotocol !== null) lines.push(`Sec-WebSocket-Protocol: ${subprotocol}`);
  return `${lines.join("\r\n")}\r\n\r\n`;
}

/** One unmasked server frame with up to 64 KB (RFC 6455 section 5.2); opcode 2 binary, 1 text, 8 close. */
export function frame(opcode: number, payload: Buffer): Buffer {
  const head = payload.length < 126 ? Buffer.from([0x80 | opcode, payload.length]) : Buffer.alloc(4);
  if (payload.length >= 126) {
    head[0] = 0x80 | opcode;
    head[1] = 126;
    head.writeUInt16BE(payload.length, 2);
  }
  return Buffer.concat([head, payload]);
}
