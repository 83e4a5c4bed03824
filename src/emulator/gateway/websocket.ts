import type { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { createWebSocketStream, type WebSocket, WebSocketServer } from "ws";
import { authenticate, checkCredentials, type Refused } from "../authorizers/authenticate.ts";
import type { Presented } from "../authorizers/event.ts";
import { readParameters, signatures } from "../authorizers/parameters.ts";
import { ERROR_STATUS, type ErrorName, errorHeaders, errorNameOf } from "../http-error.ts";
import { domainRefusal } from "./admit.ts";
import { MAX_PACKET_BYTES } from "./framing.ts";
import { type Gateway, type Link, logRefusal } from "./link.ts";
import { serveMqtt } from "./mqtt-server.ts";
import { requestHead } from "./request-head.ts";

/** `GET /mqtt` with an upgrade to MQTT over WebSocket (DG protocols). */
export class WebSocketGateway {
  readonly #gateway: Gateway;
  readonly #server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_PACKET_BYTES,
    // Echoed where offered: clients drop a socket whose subprotocol is not.
    handleProtocols: (offered) => offered.has("mqtt") && "mqtt",
  });

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
    this.#server.on("wsClientError", (_error, socket) => refuseUpgrade(socket, "InvalidRequestException"));
  }

  async upgrade(link: Link, request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const { url, headers, queryString } = requestHead(request);
    if (url.pathname !== "/mqtt") return refuseUpgrade(socket, "ForbiddenException");
    const http = { headers, queryString };
    const fault = this.#gateway.faults.draw("http", {
      serverName: link.serverName ?? undefined,
      protocol: "wss",
    });
    if (fault !== null) return refuseUpgrade(socket, errorNameOf(fault.code ?? 503), fault.code);
    const refusal = domainRefusal(link) ?? (await this.#refusalAtUpgrade(link, http));
    if (socket.destroyed) return;
    if (refusal !== null) {
      logRefusal(this.#gateway, link, "wss", null, refusal);
      const { upgradeRefusalStatus } = this.#gateway.account.behaviours;
      return refuseUpgrade(
        socket,
        upgradeRefusalStatus === 401 ? "UnauthorizedException" : "ForbiddenException",
      );
    }
    this.#server.handleUpgrade(request, socket, head, (webSocket) => {
      const stream = mqttStream(webSocket);
      void serveMqtt(this.#gateway, { ...link, stream, http });
    });
  }

  /** What can be told before CONNECT, as far as the switches say that it is. */
  async #refusalAtUpgrade(link: Link, http: NonNullable<Presented["http"]>): Promise<Refused | null> {
    const { account, signal } = this.#gateway;
    const { upgradeChecks, webSocketAuthorizer } = account.behaviours;
    if (link.domain === null || link.way.credentials !== "custom") return null;
    const presented: Presented = { tls: { serverName: link.serverName }, http, mqtt: null };
    if (webSocketAuthorizer === "at-upgrade") {
      const answer = await authenticate(account, link.domain, presented, signal);
      return answer.kind === "refused" ? answer : null;
    }
    if (upgradeChecks === "late") return null;
    const checked = checkCredentials(account, link.domain, presented);
    if (checked.kind !== "refused") return null;
    // Without a signature in the request, authorizer, token and signature may still come with CONNECT.
    const isComplete = signatures(readParameters(presented, account.behaviours)).length > 0;
    return isComplete ? checked : null;
  }
}

/** Binary frames as a byte stream; MQTT packets need not begin where frames do (MQTT-6.0.0-2). */
function mqttStream(webSocket: WebSocket): Duplex {
  webSocket.on("message", (_data, isBinary) => {
    // Only binary frames carry MQTT (MQTT-6.0.0-1).
    if (!isBinary) webSocket.close(1003);
  });
  return createWebSocketStream(webSocket);
}

function refuseUpgrade(socket: Duplex, name: ErrorName, status: number = ERROR_STATUS[name]): void {
  if (socket.destroyed) return;
  const body = JSON.stringify({ message: name.replace("Exception", ""), traceId: randomUUID() });
  const headers = { ...errorHeaders(name), connection: "close", "content-length": String(body.length) };
  const lines = Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`);
  socket.end(`HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ""}\r\n${lines.join("")}\r\n${body}`);
}
