import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as the server saw it. */
export interface SeenRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  /** Parsed JSON; null when empty. */
  readonly body: unknown;
}

/** What the server does with a request. `hang`: never answers; `cut`: breaks off within the body. */
export type ServerReply =
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: unknown }
  | "reset"
  | "hang"
  | "cut"
  | "garbage";

export interface AwsServer extends AsyncDisposable {
  readonly url: string;
  readonly requests: SeenRequest[];
  /** What it answers from now on. */
  reply: (request: SeenRequest) => ServerReply;
}

/** A small real HTTP server in the place of the AWS IoT control plane; its answers are the test's. */
export async function startAwsServer(reply: AwsServer["reply"] = () => ok({})): Promise<AwsServer> {
  const requests: SeenRequest[] = [];
  const http = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const text = Buffer.concat(chunks).toString("utf8");
      const seen: SeenRequest = {
        method: request.method ?? "",
        path: request.url ?? "",
        headers: request.headers,
        body: bodyOf(text, request.headers["content-type"]),
      };
      requests.push(seen);
      send(response, server.reply(seen));
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: AwsServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests,
    reply,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
  return server;
}

export function ok(body: unknown): ServerReply {
  return { status: 200, headers: { "x-amzn-requestid": "request-1" }, body };
}

/** An error in AWS's wire shape: the type in a header, often with a tail after a colon. */
export function awsError(status: number, type: string, message = "a message", tail = ":"): ServerReply {
  const headers = { "x-amzn-errortype": `${type}${tail}`, "x-amzn-requestid": "request-1" };
  return { status, headers, body: { message } };
}

/** Answers the first requests with the first replies and all others with the last one. */
export function inTurn(...replies: readonly ServerReply[]): AwsServer["reply"] {
  let next = 0;
  return () => replies[Math.min(next++, replies.length - 1)] ?? "hang";
}

/** STS takes forms, everything else JSON. */
function bodyOf(text: string, contentType = ""): unknown {
  if (text === "") return null;
  return contentType.startsWith("application/x-www-form-urlencoded") ? text : JSON.parse(text);
}

function send(response: ServerResponse, reply: ServerReply): void {
  switch (reply) {
    case "hang":
      return;
    case "reset":
      response.socket?.resetAndDestroy();
      return;
    case "garbage":
      response.socket?.end("this is not HTTP\r\n\r\n");
      return;
    case "cut":
      response.writeHead(200, { "content-length": "100" });
      response.write("{", () => response.socket?.destroy());
      return;
    default: {
      const { status, headers = {}, body } = reply;
      response.writeHead(status, { "content-type": "application/json", ...headers });
      response.end(typeof body === "string" ? body : JSON.stringify(body ?? ""));
    }
  }
}
