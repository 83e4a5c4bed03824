import type { Buffer } from "node:buffer";
import type { IncomingMessage, ServerResponse } from "node:http";
import { monotonicMs, sleep } from "../../lib/clock.ts";
import { errorMessage } from "../../lib/errors.ts";
import type { Faults } from "../faults.ts";
import { ERROR_STATUS, type ErrorName, sendError, sendJson, sendTracedError } from "../http-error.ts";
import { TokenBuckets } from "../quotas.ts";
import { readBody } from "../read-body.ts";
import { AUTHORIZER_OPERATIONS } from "./authorizer-operations.ts";
import { AUTHORIZER_WRITES } from "./authorizer-writes.ts";
import { CONNECTIVITY_OPERATIONS } from "./connectivity-operations.ts";
import { DOMAIN_OPERATIONS } from "./domain-operations.ts";
import { JOB_OPERATIONS } from "./job-operations.ts";
import type { ApiInput, ApiServices, Operation } from "./operation.ts";
import { type Plane, verifyCaller } from "./sigv4.ts";
import { TEST_INVOKE } from "./test-invoke.ts";

/** Far above any operation's own limits. */
const MAX_BODY_BYTES = 1024 * 1024;

const OPERATIONS: readonly Operation[] = [
  TEST_INVOKE,
  ...AUTHORIZER_OPERATIONS,
  ...AUTHORIZER_WRITES,
  ...DOMAIN_OPERATIONS,
  ...CONNECTIVITY_OPERATIONS,
  ...JOB_OPERATIONS,
];

export interface ApiOptions {
  readonly services: ApiServices;
  readonly faults: Faults;
}

/** Answers one request. Never rejects. `only`: no operations but those of that plane are known. */
export type ApiHandler = (
  request: IncomingMessage,
  response: ServerResponse,
  only: Plane | null,
) => Promise<void>;

/** AWS's API: routes, signatures, permissions, quotas; in the order AWS's front end applies them. */
export function createApiHandler(options: ApiOptions): ApiHandler {
  const quotas = options.services.config.quotas;
  const { burst, connectionQueriesPerSecond: queries } = quotas;
  const buckets = {
    invokes: new TokenBuckets(quotas.invokesPerSecond, burst, monotonicMs),
    queries: new TokenBuckets(queries, queries, monotonicMs),
    others: new TokenBuckets(quotas.callsPerSecond, burst, monotonicMs),
  };
  const take = ({ name, plane }: Operation) => {
    if (plane === "data") return buckets.queries.take(name);
    return (name === TEST_INVOKE.name ? buckets.invokes : buckets.others).take(name);
  };
  return async (request, response, only) => {
    try {
      await serve(options, take, only, request, response);
    } catch (error) {
      options.services.log.debug({ error: errorMessage(error) }, "API request ended");
      sendError(response, "InternalFailureException", "Internal failure");
    }
  };
}

async function serve(
  { services, faults }: ApiOptions,
  take: (operation: Operation) => boolean,
  only: Plane | null,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = "GET", url: target = "/", headers } = request;
  const body = await readBody(request, MAX_BODY_BYTES);
  if (body === null) {
    response.setHeader("connection", "close");
    return sendError(response, "RequestEntityTooLargeException", "The request is too large");
  }
  const routed = route(method, target, only);
  if (routed === null) return sendError(response, "UnknownOperationException", "Unknown operation");
  const { operation, name, query } = routed;
  const fail = failing(response, operation.plane);

  const { config, account } = services;
  const signed = { method, target, headers, body };
  const { region, credentials } = config;
  const caller = verifyCaller(signed, credentials, { region, plane: operation.plane, nowMs: Date.now() });
  if (caller.kind === "refused") return fail(caller.name, caller.message);
  if (caller.credential.deny.some((each) => each.replace(/^iot:/, "") === operation.name)) {
    const message = `User is not authorized to perform: iot:${operation.name}`;
    return fail(account.behaviours.callerNotPermitted, message);
  }
  const json = parseBody(body);
  if (!(await strike(faults, services.signal, routed, json, response))) return;
  if (!take(operation)) return fail("ThrottlingException", "Rate exceeded");
  if (json === undefined) return fail("InvalidRequestException", "The body is not JSON");
  const answer = await operation.run(services, { name, query, body: json });
  if (answer.kind === "ok") sendJson(response, 200, answer.body);
  else fail(answer.name, answer.message);
}

type Fail = (name: ErrorName, message: string, status?: number) => void;

/** The data plane throttles with 429 and adds a trace id (iot-data model). */
function failing(response: ServerResponse, plane: Plane): Fail {
  if (plane === "control") {
    return (name, message, status) => sendError(response, name, message, status);
  }
  return (name, message, status) =>
    sendTracedError(response, name, message, status ?? (name === "ThrottlingException" ? 429 : undefined));
}

interface Routed {
  readonly operation: Operation;
  readonly name: string;
  readonly query: URLSearchParams;
}

function route(method: string, target: string, only: Plane | null): Routed | null {
  const url = URL.parse(`http://host${target.startsWith("/") ? "" : "/"}${target}`);
  if (url === null) return null;
  // Python's clients ask for /authorizers/, JavaScript's for /authorizers.
  const path = url.pathname.replace(/(?<=.)\/$/, "");
  for (const operation of OPERATIONS) {
    const isServed = operation.method === method && (only ?? operation.plane) === operation.plane;
    const match = isServed ? operation.path.exec(path) : null;
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
  { operation, name }: Routed,
  body: ApiInput["body"],
  response: ServerResponse,
): Promise<boolean> {
  const { mqttContext, tlsContext } = (body ?? {}) as Readonly<
    Record<string, Record<string, unknown> | undefined>
  >;
  const fail = failing(response, operation.plane);
  const textOf = (value: unknown) => (typeof value === "string" ? value : undefined);
  const fault = faults.draw("api", {
    operation: operation.name,
    authorizer: operation.name.endsWith("Authorizer") && name !== "" ? name : undefined,
    clientId: operation.plane === "data" ? name : textOf(mqttContext?.clientId),
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
      fail("ThrottlingException", "Rate exceeded");
      return false;
    case "api-5xx": {
      const error: ErrorName =
        fault.code === 503 ? "ServiceUnavailableException" : "InternalFailureException";
      fail(error, "Fault injected", fault.code ?? ERROR_STATUS[error]);
      return false;
    }
    default:
      response.destroy();
      return false;
  }
}
