import { createServer, type RequestListener, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { readBoundedFile } from "../lib/bounded-file.ts";
import { errorMessage, UsageError } from "../lib/errors.ts";
import { scrub } from "../lib/scrub.ts";
import type { HttpConfig } from "../model/config.ts";
import type { HttpLimits } from "./limits.ts";

export interface TlsFiles {
  readonly cert: Buffer;
  readonly key: Buffer;
}

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

/** @throws UsageError naming the file that cannot be used */
export async function readTlsFiles(tls: HttpConfig["tls"]): Promise<TlsFiles | null> {
  if (tls === null) return null;
  return { cert: await readPem(tls.certFile), key: await readPem(tls.keyFile) };
}

/** Node's servers with our limits; there are two when `localhost` is both an IPv4 and an IPv6 address. */
export class Listeners {
  readonly #limits: HttpLimits;
  readonly #tls: TlsFiles | null;
  readonly #sockets = new Set<{ destroy(): unknown }>();

  constructor(limits: HttpLimits, tls: TlsFiles | null) {
    this.#limits = limits;
    this.#tls = tls;
  }

  /** @throws UsageError where certificate and key are no pair */
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
      handler(request, response);
    };
    const server =
      this.#tls === null
        ? createServer(options, answer)
        : secure(this.#tls, headersTimeoutMs, options, answer);
    server.setTimeout(silenceMs);
    server.maxConnections = connections;
    // The bare connections: Node's own list leaves out those that have not finished their TLS handshake.
    server.on("connection", (socket) => {
      this.#sockets.add(socket);
      socket.once("close", () => this.#sockets.delete(socket));
    });
    return server;
  }

  /** Ends every connection at once. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function secure(tls: TlsFiles, handshakeTimeout: number, options: object, answer: RequestListener): Server {
  try {
    return createTlsServer({ ...options, ...tls, handshakeTimeout, minVersion: "TLSv1.2" }, answer);
  } catch (error) {
    throw new UsageError(`http.tls: certificate and key cannot be used: ${scrub(errorMessage(error), [])}`);
  }
}

async function readPem(path: string): Promise<Buffer> {
  const file = await readBoundedFile(path, MAX_PEM_BYTES);
  if (file.kind === "read") return file.bytes;
  throw new UsageError(`http.tls: ${path} ${file.reason}`);
}
