import type { ClientRequest, IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import { createWebSocketStream, WebSocket } from "ws";
import { errorCode, errorMessage } from "../lib/errors.ts";
import type { Wire } from "../model/context.ts";
import type { ProbeFn, ProbeInput } from "../model/ports.ts";
import { type Attempt, attempt } from "./attempt.ts";
import { connectProblem } from "./connect-packet.ts";
import { dial } from "./dial.ts";
import { type Ending, violation } from "./ending.ts";
import { exposeHeaders, pathProblem } from "./http-request.ts";
import { MAX_BYTES_BEFORE_VERDICT } from "./limits.ts";
import { meter } from "./meter.ts";
import { settleRefusal } from "./refusal.ts";
import { openSession, type Session } from "./session.ts";
import { topicProblem } from "./topic-rules.ts";

type WssWire = Extract<Wire, { kind: "wss" }>;

/** Request target and Host are set on the request itself: ws would keep credentials in its URL, and normalize them. */
const PLACEHOLDER_URL = "wss://localhost/";
const SUBPROTOCOL = "mqtt";
/** RFC 6455 section 7.4.1: no close frame came. */
const ABNORMAL_CLOSE = 1006;

/** MQTT over WebSocket: upgrade on the profile's path with subprotocol `mqtt`, then as MQTT [MQTT-6.0]. */
export const probeWss: ProbeFn<WssWire> = (input) =>
  attempt(input, async (attempt) => {
    const { wire, topics } = input;
    const problem = connectProblem(wire.connect) ?? pathProblem(wire.path) ?? topicProblem(topics);
    if (problem !== null) return attempt.settle(problem);
    const socket = await dial(input.target, input.wire.tls, attempt);
    if (socket === null) return;
    // ws does not tell of a reset after the upgrade: to it that is a close without a frame.
    socket.on("error", (error) => attempt.settle(endingOf(error)));
    attempt.enter("upgrade");
    const ws = upgrade(socket, input.wire, input.target.endpoint, attempt);
    attempt.defer(() => ws.terminate());
    converse(ws, input, attempt);
  });

function upgrade(socket: TLSSocket, wire: WssWire, endpoint: string, attempt: Attempt): WebSocket {
  return new WebSocket(PLACEHOLDER_URL, [SUBPROTOCOL], {
    createConnection: () => socket,
    headers: exposeHeaders(wire.headers, endpoint),
    perMessageDeflate: false,
    followRedirects: false,
    maxPayload: MAX_BYTES_BEFORE_VERDICT,
    finishRequest: (request: ClientRequest) => {
      request.path = wire.path.exposeText();
      request.once("socket", () => meter(socket, attempt));
      attempt.note("> GET");
      request.end();
    },
  });
}

function converse(ws: WebSocket, input: ProbeInput<WssWire>, attempt: Attempt): void {
  let session: Session | null = null;
  ws.on("error", (error) => attempt.settle(endingOf(error)));
  ws.once("unexpected-response", (_request: ClientRequest, response: IncomingMessage) => {
    attempt.note(`< ${response.statusCode}`);
    const errorType = response.headers["x-amzn-errortype"];
    settleRefusal(
      attempt,
      response.statusCode ?? 0,
      typeof errorType === "string" ? errorType : null,
      response,
    );
  });
  ws.once("upgrade", (response) => {
    attempt.note("< 101");
    if (response.headers["sec-websocket-protocol"] !== undefined) return;
    attempt.settle({
      kind: "violation",
      cause: "SUBPROTOCOL_MISSING",
      reason: "the upgrade's answer names no subprotocol; mqtt was asked for",
    });
  });
  ws.once("open", () => {
    // Before the stream, which takes text for bytes [MQTT-6.0.0-1].
    ws.on("message", (_data, isBinary) => {
      if (!isBinary) attempt.settle(violation("the gateway sent MQTT in a text frame"));
    });
    const stream = createWebSocketStream(ws);
    // ws has reported its own errors by now; what is left is a CONNECT that could not be written.
    stream.on("error", (error) => attempt.settle({ kind: "failed", error }));
    session = openSession(stream, input, attempt);
  });
  ws.once("close", (code, reason) => {
    if (session === null) attempt.settle({ kind: "closed", reason: null });
    else session.closed(closeReason(code, reason.toString("utf8")));
  });
}

/** What ws finds wrong with the answer to the upgrade has no code; errors of system, TLS, HTTP and frames have one. */
function endingOf(error: Error): Ending {
  if (errorCode(error) !== null) return { kind: "failed", error };
  return violation(`the WebSocket upgrade failed: ${errorMessage(error)}`);
}

function closeReason(code: number, text: string): string | null {
  if (code === ABNORMAL_CLOSE) return null;
  return text === "" ? `WebSocket close ${code}` : `WebSocket close ${code}, ${text}`;
}
