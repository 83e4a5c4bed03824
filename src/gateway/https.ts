import type { TLSSocket } from "node:tls";
import { Client } from "undici";
import type { Wire } from "../model/context.ts";
import type { ProbeFn } from "../model/ports.ts";
import { type Attempt, attempt } from "./attempt.ts";
import { dial } from "./dial.ts";
import { exposeHeaders, pathProblem } from "./http-request.ts";
import { MARKER } from "./marker.ts";
import { meter } from "./meter.ts";
import { settleRefusal } from "./refusal.ts";

type HttpsWire = Extract<Wire, { kind: "https" }>;

/**
 * HTTPS publish: one POST over HTTP/1.1 (docs.aws.amazon.com/iot, http.html). There is nothing to try after it:
 * another topic is another request, and the device would make it on its own.
 */
export const probeHttps: ProbeFn<HttpsWire> = (input) =>
  attempt(input, async (attempt) => {
    const problem = pathProblem(input.wire.path);
    if (problem !== null) return attempt.settle(problem);
    const socket = await dial(input.target, input.wire.tls, attempt);
    if (socket === null) return;
    attempt.enter("response");
    const client = clientOver(socket, input.target.endpoint, attempt);
    attempt.defer(() => client.destroy());
    await publish(client, input.wire, input.target.endpoint, attempt).catch((error: unknown) =>
      attempt.settle({ kind: "failed", error }),
    );
  });

function clientOver(socket: TLSSocket, endpoint: string, attempt: Attempt): Client {
  return new Client(`https://${endpoint}`, {
    connect: (_options, callback) => {
      // Not at once: undici does not look at its queue again while it is still asking for a connection.
      queueMicrotask(() => {
        callback(null, socket);
        meter(socket, attempt);
      });
    },
    allowH2: false,
    pipelining: 0,
    // The attempt's own timeout is the one that counts.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
}

async function publish(client: Client, wire: HttpsWire, endpoint: string, attempt: Attempt): Promise<void> {
  attempt.note("> POST");
  const { statusCode, headers, body } = await client.request({
    method: "POST",
    path: wire.path.exposeText(),
    headers: exposeHeaders(wire.headers, endpoint),
    body: MARKER,
  });
  attempt.note(`< ${statusCode}`);
  if (statusCode < 200 || statusCode >= 300) {
    const errorType = headers["x-amzn-errortype"];
    settleRefusal(attempt, statusCode, typeof errorType === "string" ? errorType : null, body);
    return;
  }
  // Accepted is a response that arrived whole; the meter bounds it.
  for await (const _chunk of body);
  attempt.settle({ kind: "status", status: statusCode, reason: null });
}
