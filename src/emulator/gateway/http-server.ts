import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { errorMessage } from "../../lib/errors.ts";
import { findDomain } from "../domains.ts";
import { sendTracedError } from "../http-error.ts";
import { publishOverHttps } from "./https-publish.ts";
import type { Gateway, Link } from "./link.ts";
import { hostOf } from "./request-head.ts";
import { WebSocketGateway } from "./websocket.ts";

const MAX_HEADER_BYTES = 32 * 1024;
/** A connection on which nothing moves. */
const IDLE_MS = 30_000;

/**
 * The HTTP side of the gateway. It never listens: the TLS listener hands it connections.
 *
 * @param linkOf the connection that a socket belongs to
 */
export function createHttpGateway(gateway: Gateway, linkOf: (socket: Duplex) => Link | undefined): Server {
  const webSockets = new WebSocketGateway(gateway);
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES });
  server.timeout = IDLE_MS;
  server.on("request", (request, response) => {
    const link = linkFor(request);
    const failed = (error: unknown) => {
      gateway.log.debug({ error: errorMessage(error) }, "request ended");
      request.socket.destroy();
    };
    if (link === null) request.socket.destroy();
    else route(gateway, link, request, response).catch(failed);
  });
  server.on("upgrade", (request, socket, head) => {
    socket.on("error", () => socket.destroy());
    const link = linkFor(request);
    if (link === null || link.domain?.applicationProtocol === "HTTPS") socket.destroy();
    else webSockets.upgrade(link, request, socket, head).catch(() => socket.destroy());
  });
  server.on("clientError", (_error, socket) => {
    // Bytes that are not HTTP, MQTT for one, get no answer: the port speaks HTTP without ALPN.
    socket.destroy();
  });

  /** A Host header that names an endpoint will do where there is no SNI (DG custom-auth-troubleshooting). */
  function linkFor(request: IncomingMessage): Link | null {
    const link = linkOf(request.socket);
    if (link === undefined) return null;
    return { ...link, domain: link.domain ?? findDomain(gateway.domains, hostOf(request)) };
  }
  return server;
}

async function route(
  gateway: Gateway,
  link: Link,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? "/";
  if (path.startsWith("/topics/") && link.domain?.applicationProtocol !== "MQTT_WSS") {
    return publishOverHttps(gateway, link, request, response);
  }
  if (path.startsWith("/connections/") && takesSignedRequests(link)) {
    return gateway.serveDataPlane(request, response);
  }
  if (/^\/mqtt(\?|$)/.test(path)) {
    response.setHeader("upgrade", "websocket");
    return sendTracedError(response, "UpgradeRequiredException", "Upgrade Required");
  }
  return sendTracedError(response, "ForbiddenException", "Missing Authentication Token");
}

/** SigV4 over HTTPS is for DEFAULT domains without an ALPN, and for AWS_SIGV4 ones (DG protocols). */
function takesSignedRequests({ domain, way }: Link): boolean {
  if (domain === null || domain.status === "DISABLED" || domain.applicationProtocol === "MQTT_WSS")
    return false;
  return (
    way.credentials === "sigv4" || (way.credentials === "custom" && domain.authenticationType === "DEFAULT")
  );
}
