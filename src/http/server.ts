import { setMaxListeners } from "node:events";
import fastify, { type FastifyInstance } from "fastify";
import { errorCode, UsageError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { HttpConfig } from "../model/config.ts";
import { clientErrorHandler, errorHandler, routeOf } from "./errors.ts";
import { createGuard, type Door, type Guard } from "./guard.ts";
import { AllowedHosts, isLoopback } from "./hosts.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { Listeners, readTlsFiles } from "./listener.ts";
import type { HttpOptions } from "./ports.ts";
import { refuse } from "./refusal.ts";
import { RefusedRequests } from "./refused.ts";
import { causeRoutes } from "./routes/causes.ts";
import { controlRoutes } from "./routes/control.ts";
import { dashboardRoutes } from "./routes/dashboard.ts";
import { deviceRoutes } from "./routes/devices.ts";
import { eventRoutes } from "./routes/events.ts";
import { flaggerRoutes } from "./routes/flagger.ts";
import { gateRoutes } from "./routes/gate.ts";
import { historyRoutes } from "./routes/history.ts";
import { latencyRoutes } from "./routes/latency.ts";
import { openApiRoutes } from "./routes/openapi.ts";
import { operationRoutes } from "./routes/operations.ts";
import { probeRoutes } from "./routes/probe.ts";
import { resultRoutes } from "./routes/results.ts";
import { addRoutes } from "./routes/route.ts";
import { runRoutes } from "./routes/runs.ts";
import { suiteRoutes } from "./routes/suites.ts";
import { Tokens } from "./tokens.ts";
import { TriggerNotes } from "./trigger-notes.ts";

export interface HttpServer {
  /** With the host as configured and the port that was taken. */
  readonly url: string;
  /**
   * Gets another configuration of the same address and TLS files ready; it holds, and the certificate with it, from
   * the call of the answer on.
   *
   * @throws UsageError as at the start
   */
  prepare(config: HttpConfig): Promise<() => void>;
  /** Accepts nothing more; requests in flight have 2 s to finish. */
  close(): Promise<void>;
}

/** A device id in a path: 256 characters, of which each may be twelve when it is percent-encoded. */
const MAX_PARAMETER = 3_072;

/**
 * Serves the daemon's metrics, health and API (design 6.4).
 *
 * @throws UsageError where it would be open to the network without a token, where a TLS file cannot be used, and
 * where the address cannot be listened on
 */
export async function startHttp(options: HttpOptions): Promise<HttpServer> {
  const { config, log } = options;
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  let door = await openDoor(config, log);
  const listeners = new Listeners(limits, await readTlsFiles(config.tls));
  const app = fastify({
    serverFactory: (handler) => listeners.create(handler),
    bodyLimit: limits.bodyBytes,
    routerOptions: { maxParamLength: MAX_PARAMETER },
    // What comes while we close, on a connection that is open, is answered and the connection closed.
    return503OnClosing: false,
    clientErrorHandler,
    frameworkErrors: errorHandler(log),
  });
  const guard = createGuard(() => door, limits);
  prepare(app, guard, log);
  const refused = new RefusedRequests(options.audit);
  app.addHook("onResponse", async (request, { statusCode }) => refused.answered(request, statusCode));
  const closing = new AbortController();
  // Every stream of events and every call that is kept waiting listens to it.
  setMaxListeners(0, closing.signal);
  const triggers = new TriggerNotes(options.audit);
  const parts = { ...options, limits, triggers, closing: closing.signal };
  const routes = [
    ...dashboardRoutes(),
    ...operationRoutes(parts),
    ...runRoutes(parts),
    ...resultRoutes(parts),
    ...latencyRoutes(parts),
    ...eventRoutes(parts),
    ...suiteRoutes(parts),
    ...historyRoutes(parts),
    ...deviceRoutes(parts),
    ...causeRoutes(parts),
    ...gateRoutes(parts),
    ...flaggerRoutes(parts),
    ...probeRoutes(parts),
    ...controlRoutes(parts),
  ];
  for (const each of [...routes, ...openApiRoutes(routes)]) addRoutes(app, each, guard);
  const port = await listen(app, config);
  return {
    url: urlOf(config, port),
    prepare: async (next) => {
      const [another, tls] = await Promise.all([openDoor(next, log), readTlsFiles(next.tls)]);
      return () => {
        door = another;
        if (tls !== null) listeners.replaceTls(tls);
      };
    },
    close: async () => {
      closing.abort();
      // Both at once: fastify from now on asks clients to close their connections.
      await Promise.all([app.close(), listeners.close(limits.closeMs)]);
      refused.end();
    },
  };
}

async function openDoor(config: HttpConfig, log: Log): Promise<Door> {
  refuseOpenDoor(config);
  warnOfPlainTokens(config, log);
  const tokens = new Tokens(config.tokens, log);
  await tokens.load();
  return { hosts: new AllowedHosts(config.host, config.allowedHosts), tokens };
}

/** Whoever reaches a bare daemon may trigger runs; that may be this machine's users, never the network. */
function refuseOpenDoor({ host, tokens }: HttpConfig): void {
  if (isLoopback(host) || tokens.length > 0) return;
  throw new UsageError(
    `http.listen: refuses to start with triggers and no token on ${host}; name one in http.tokens, or listen on 127.0.0.1`,
  );
}

function warnOfPlainTokens({ host, tls }: HttpConfig, log: Log): void {
  if (tls !== null || isLoopback(host)) return;
  log.warn({ host }, "tokens travel unencrypted unless a proxy in front ends the TLS: set http.tls");
}

/** Everything but the routes: bodies are JSON only, and every answer but a success is a problem document. */
function prepare(app: FastifyInstance, guard: Guard, log: Log): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    "application/json",
    { parseAs: "string" },
    app.getDefaultJsonParser("error", "error"),
  );
  app.setErrorHandler(errorHandler(log));
  app.addHook("onRequest", async (request, reply) => {
    if (!request.is404) return;
    return refuse(reply, guard.address(request, "public") ?? { status: 404, detail: "no such route" });
  });
  app.addHook("onResponse", async (request, reply) => {
    const { method } = request;
    const { statusCode: status, elapsedTime: durationMs } = reply;
    log.debug({ method, route: routeOf(request), status, durationMs }, "request");
  });
}

/** @returns the port */
async function listen(app: FastifyInstance, { host, port }: HttpConfig): Promise<number> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    await app.close();
    throw new UsageError(
      `http.listen: cannot listen on ${host} port ${port}: ${listenProblem(errorCode(error))}`,
    );
  }
  const address = app.server.address();
  if (address === null || typeof address === "string") throw new Error("listening without an address");
  return address.port;
}

function listenProblem(code: string | null): string {
  if (code === "EADDRINUSE") return "another program listens there";
  if (code === "EACCES") return "this user may not";
  if (code === "EADDRNOTAVAIL") return "this machine does not have the address";
  return code ?? "unknown error";
}

function urlOf({ host, tls }: HttpConfig, port: number): string {
  return `${tls === null ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
