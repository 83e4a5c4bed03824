import type { Buffer } from "node:buffer";
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from "node:http";
import { createServer as createTlsServer } from "node:https";
import { monotonicMs, sleep } from "../../lib/clock.ts";
import { errorMessage } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { KeyedCertificate } from "../certificates/store.ts";
import type { Faults } from "../faults.ts";
import { ERROR_STATUS, type ErrorName, sendError, sendJson } from "../http-error.ts";
import { TokenBuckets } from "../quotas.ts";
import { readBody } from "../read-body.ts";
import { AUTHORIZER_OPERATIONS } from "./authorizer-operations.ts";
import { AUTHORIZER_WRITES } from "./authorizer-writes.ts";
import { DOMAIN_OPERATIONS } from "./domain-operations.ts";
import type { ApiInput, ApiServices, Operation } from "./operation.ts";
import { verifyCaller } from "./sigv4.ts";
import { TEST_INVOKE } from "./test-invoke.ts";

/** Far above any operation's own limits. */
const MAX_BODY_BYTES = 1024 * 1024;
const REQUEST_WITHIN_MS = 30_000;

const OPERATIONS: readonly Operation[] = [
  TEST_INVOKE,
  ...AUTHORIZER_OPERATIONS,
  ...AUTHORIZER_WRITES,
  ...DOMAIN_OPERATIONS,
];

export interface ApiOptions {
  readonly services: ApiServices;
  readonly faults: Faults;
  readonly log: Log;
  /** Null: plain HTTP. */
  readonly certificate: KeyedCertificate | null;
}

/** The control plane: routes, signatures, permissions, quotas; in the order AWS's front end applies them. */
export function createApiServer(options: ApiOptions): Server {
  const { services, log } = options;
  const { invokesPerSecond, callsPerSecond, burst } = services.config.quotas;
  const buckets = {
    invokes: new TokenBuckets(invokesPerSecond, burst, monotonicMs),
    others: new TokenBuckets(callsPerSecond, burst, monotonicMs),
  };
  const take = ({ name }: Operation) =>
    (name === TEST_INVOKE.name ? buckets.invokes : buckets.others).take(name);
  const onRequest: RequestListener = (request, response) => {
    serve(options, take, request, response).catch((error: unknown) => {
      log.debug({ error: errorMessage(error) }, "API request ended");
      sendError(response, "InternalFailureException", "Internal failure");
    });
  };
  const limits = { headersTimeout: REQUEST_WITHIN_MS, requestTimeout: REQUEST_WITHIN_MS };
  const { certificate } = options;
  return certificate === null
    ? createServer(limits, onRequest)
    : createTlsServer({ ...limits, cert: certificate.certificate, key: certificate.privateKey }, onRequest);
}

async function serve(
  { services, faults }: ApiOptions,
  take: (operation: Operation) => boolean,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url: target = "/", headers } = request;
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === null) {
    response.setHeader("connection", "close");
    return sendError(response, "RequestEntityTooLargeException", "The request is too large");
  }
  const routed = route(method, target);
  if (routed === null) return sendError(response, "UnknownOperationException", "Unknown operation");
  const { operation, name, query } = routed;

  const { config, account } = services;
  const signed = { method, target, headers, body };
  const caller = verifyCaller(signed, config.credentials, {
    region: config.region,
    plane: "control",
    nowMs: Date.now(),
  });
  if (caller.kind === "refused") return sendError(response, caller.name, caller.message);
  if (caller.credential.deny.some((each) => each.replace(/^iot:/, "") === operation.name)) {
    const message = `User is not authorized to perform: iot:${operation.name}`;
    return sendError(response, account.behaviours.callerNotPermitted, message);
  }
  const json = parseBody(body);
  if (!(await strike(faults, services.signal, operation, name, json, response))) return;
  if (!take(operation)) return sendError(response, "ThrottlingException", "Rate exceeded");
  if (json === undefined) return sendError(response, "InvalidRequestException", "The body is not JSON");
  const answer = await operation.run(services, { name, query, body: json });
  if (answer.kind === "ok") sendJson(response, 200, answer.body);
  else sendError(response, answer.name, answer.message);
}

function route(
  method: string,
  target: string,
): { readonly operation: Operation; readonly name: string; readonly query: URLSearchParams } | null {
  const url = URL.parse(`http://host${target.startsWith("/") ? "" : "/"}${target}`);
  if (url === null) return null;
  // Python's clients ask for /authorizers/, JavaScript's for /authorizers.
  const path = url.pathname.replace(/(?<=.)\/$/, "");
  for (const operation of OPERATIONS) {
    const match = operation.method === method ? operation.path.exec(path) : null;
    if (match === null) continue;
    try {
      return { operation, name: decodeURIComponent(match[1] ?? ""), query: url.searchParams };
    } catch {
      return null;
    }
  }
  return null;
}

/** Undefined: it is not JSON. */
function parseBody(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return undefined;
  }
}

/** Does what a fault says; true: the call goes on all the same. */
async function strike(
  faults: Faults,
  signal: AbortSignal,
  operation: Operation,
  name: string,
  body: ApiInput["body"],
  response: ServerResponse,
): Promise<boolean> {
  const { mqttContext, tlsContext } = (body ?? {}) as Readonly<
    Record<string, Record<string, unknown> | undefined>
  >;
  const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
  const fault = faults.draw("api", {
    operation: operation.name,
    authorizer: name === "" ? undefined : name,
    clientId: textOf(mqttContext?.clientId),
    username: textOf(mqttContext?.username)?.split("?", 1)[0],
    serverName: textOf(tlsContext?.serverName),
  });
  switch (fault?.kind) {
    case undefined:
      return true;
    case "api-delay":
      await sleep(fault.delayMs, signal);
      return true;
    case "api-throttle":
      sendError(response, "ThrottlingException", "Rate exceeded");
      return false;
    case "api-5xx": {
      const error: ErrorName =
        fault.code === 503 ? "ServiceUnavailableException" : "InternalFailureException";
      sendError(response, error, "Fault injected", fault.code ?? ERROR_STATUS[error]);
      return false;
    }
    default:
      response.destroy();
      return false;
  }
}
