import type {
  FastifyError,
  FastifyInstance,
  FastifyReply,
  FastifyRequest,
  FastifyServerOptions,
} from "fastify";
import { errorCode, errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { PROBLEM_TYPE, problemBody, type Refusal, refuse } from "./refusal.ts";

/** Our words for what the server itself finds wrong with a request: its own may repeat what was sent. */
const DETAILS: Readonly<Record<number, string>> = {
  400: "the request cannot be read",
  404: "no such route",
  413: "the body is too large",
  414: "the path is too long",
  415: "the body must be application/json",
};

/** Errors of the server and of handlers: one line in the log for ours, nothing internal in the answer. */
export function errorHandler(
  log: Log,
): (error: FastifyError, request: FastifyRequest, reply: FastifyReply) => FastifyReply {
  return (error, request, reply) => {
    const status = error.statusCode ?? 500;
    const detail = DETAILS[status];
    if (detail !== undefined) return refuse(reply, { status, detail: bodyDetail(error) ?? detail });
    const { method } = request;
    log.error(
      { method, route: routeOf(request), error: errorMessage(error), stack: error.stack },
      "request failed",
    );
    return refuse(reply, { status: 500, detail: "internal error; the log says more" });
  };
}

/** The route's pattern, for logs: a path or query as sent may hold anything. */
export function routeOf(request: FastifyRequest): string {
  return request.routeOptions.url ?? "(none)";
}

/** A request that is no HTTP, too long or too slow ends before there is a request to answer. */
export const clientErrorHandler: FastifyServerOptions["clientErrorHandler"] = function (
  this: FastifyInstance,
  error,
  socket,
) {
  const refusal = clientRefusal(errorCode(error) ?? "");
  if (refusal === null || !socket.writable) {
    socket.destroy();
    return;
  }
  const body = problemBody(refusal);
  const lines = [
    `HTTP/1.1 ${refusal.status} ${JSON.parse(body).title}`,
    "Connection: close",
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${body.length}`,
  ];
  socket.write(`${lines.join("\r\n")}\r\n\r\n${body}`);
  // Not `end`: a client that never closes its side would keep the socket.
  socket.destroySoon();
};

/** null: nothing can be said, because the connection is gone or speaks no HTTP. */
function clientRefusal(code: string): Refusal | null {
  if (code === "HPE_HEADER_OVERFLOW") return { status: 431, detail: "the headers are too long" };
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return { status: 408, detail: "the request took too long" };
  return code.startsWith("HPE_") ? { status: 400, detail: "this is not HTTP/1.1" } : null;
}

function bodyDetail({ code }: FastifyError): string | null {
  return code === "FST_ERR_CTP_INVALID_JSON_BODY" || code === "FST_ERR_CTP_EMPTY_JSON_BODY"
    ? "the body is not JSON"
    : null;
}
