import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer, Server as TlsServer } from "node:https";
import { readBoundedFile } from "../lib/bounded-file.ts";
import { errorMessage, UsageError } from "../lib/errors.ts";
import { scrub } from "../lib/scrub.ts";
import type { HttpConfig } from "../model/config.ts";
import type { HttpLimits } from "./limits.ts";

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

const MIN_TLS = "TLSv1.2";
const MAX_PEM_BYTES = 1024 * 1024;

/** On every answer; the page we serve needs nothing but itself. */
const SECURITY_HEADERS = new Headers({
  "cache-control": "no-store",
  "content-security-policy":
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
});

/** @throws UsageError where a file cannot be read, or the two are no certificate and its key */
export async function readTlsFiles(tls: HttpConfig["tls"]): Promise<TlsFiles | null> {
  if (tls === null) return null;
  const files = { cert: await readPem(tls.certFile), key: await readPem(tls.keyFile) };
  try {
    // Never listens: what is wrong with the files is found where they can still be named.
    createTlsServer(files);
  } catch (error) {
    const why = scrub(errorMessage(error), []);
    throw new UsageError(`http.tls: ${tls.certFile} and ${tls.keyFile} cannot be used: ${why}`);
  }
  return files;
}

/** Node's servers with our limits; there are two when `localhost` is both an IPv4 and an IPv6 address. */
export class Listeners {
  readonly #limits: HttpLimits;
  #tls: TlsFiles | null;
  readonly #servers: Server[] = [];
  readonly #sockets = new Set<{ destroy(): unknown }>();

  constructor(limits: HttpLimits, tls: TlsFiles | null) {
    this.#limits = limits;
    this.#tls = tls;
  }

  create(handler: RequestListener): Server {
    const { headersTimeoutMs, requestTimeoutMs, timeoutCheckMs, keepAliveMs, silenceMs, connections } =
      this.#limits;
    const options = {
      headersTimeout: headersTimeoutMs,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: timeoutCheckMs,
      keepAliveTimeout: keepAliveMs,
    };
    const answer: RequestListener = (request, response) => {
      response.setHeaders(SECURITY_HEADERS);
      // A connection that was in use when the close began becomes idle only now.
      response.once("close", () => {
        if (!server.listening) server.closeIdleConnections();
      });
      handler(request, response);
    };
    const server: Server =
      this.#tls === null
        ? createServer(options, answer)
        : createTlsServer(
            { ...options, ...this.#tls, handshakeTimeout: headersTimeoutMs, minVersion: MIN_TLS },
            answer,
          );
    server.setTimeout(silenceMs);
    server.maxConnections = connections;
    // The bare connections: Node's own list leaves out those that have not finished their TLS handshake.
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    this.#servers.push(server);
    return server;
  }

  /** For connections to come; those that are open keep the certificate they began with. */
  replaceTls(tls: TlsFiles): void {
    this.#tls = tls;
    for (const server of this.#servers)
      if (server instanceof TlsServer) server.setSecureContext({ ...tls, minVersion: MIN_TLS });
  }

  /** Accepts nothing more on any address; after `graceMs` what is still in flight is cut off. */
  async close(graceMs: number): Promise<void> {
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, graceMs);
    const listening = this.#servers.filter((server) => server.listening);
    await Promise.all(listening.map((server) => new Promise((resolve) => server.close(resolve))));
    clearTimeout(timer);
  }
}

async function readPem(path: string): Promise<Buffer> {
  const file = await readBoundedFile(path, MAX_PEM_BYTES);
  if (file.kind === "read") return file.bytes;
  throw new UsageError(`http.tls: ${path} ${file.reason}`);
}
