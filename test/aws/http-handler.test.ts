import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { HttpHandler, type SignedRequest } from "../../src/aws/http-handler.ts";

/** What a server on loopback saw of requests that a handler with so many connections sent it. */
async function serve(listener: RequestListener, connections = 5) {
  const seen: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    seen.push(request);
    listener(request, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const handler = new HttpHandler(connections);
  onTestFinished(() => {
    handler.destroy();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const send = (changes: Partial<SignedRequest> = {}, abortSignal?: AbortSignal) =>
    handler.handle(
      { method: "GET", protocol: "http:", hostname: "127.0.0.1", port, path: "/", headers: {}, ...changes },
      { abortSignal },
    );
  return { seen, send };
}

describe("the handler below the SDK", () => {
  test("sends method, path, headers and body, and hands the whole answer back", async () => {
    const bodies: string[] = [];
    const { seen, send } = await serve((request, response) => {
      request.on("data", (chunk: Buffer) => bodies.push(chunk.toString()));
      request.on("end", () => {
        response.writeHead(203, { "X-One": "1", "Set-Cookie": ["a", "b"] });
        response.write("first, ");
        setImmediate(() => response.end("then"));
      });
    });
    const { response } = await send({
      method: "POST",
      path: "/a%20b",
      headers: { "x-sent": "yes" },
      body: "{}",
    });
    expect(seen[0]).toMatchObject({ method: "POST", url: "/a%20b", headers: { "x-sent": "yes" } });
    expect(bodies.join("")).toBe("{}");
    expect(response.statusCode).toBe(203);
    expect(response.headers).toMatchObject({ "x-one": "1", "set-cookie": "a,b" });
    expect(Buffer.from(response.body).toString()).toBe("first, then");
  });

  test("writes the query as SigV4 signs it", async () => {
    const { seen, send } = await serve((_request, response) => response.end());
    await send({ query: { name: "a b/(c)*", many: ["1", "2"], flag: null } });
    expect(seen[0]?.url).toBe("/?name=a%20b%2F%28c%29%2A&many=1&many=2&flag");
  });

  test("an empty answer has an empty body", async () => {
    const { send } = await serve((_request, response) => response.writeHead(204).end());
    expect((await send()).response.body.byteLength).toBe(0);
  });

  test("a connection that is closed before the answer is a reset without a status", async () => {
    const { send } = await serve((request) => request.socket.end());
    await expect(send()).rejects.toMatchObject({ code: "ECONNRESET", $metadata: {} });
  });

  test("an answer that breaks off keeps its status: it was begun", async () => {
    const { send } = await serve((request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("some", () => request.socket.end());
    });
    await expect(send()).rejects.toMatchObject({ code: "ECONNRESET", $metadata: { httpStatusCode: 200 } });
  });

  test("rejects with the signal's reason, and closes the connection it has asked on", async () => {
    const stop = new AbortController();
    const closed = Promise.withResolvers<void>();
    const { send } = await serve((request) => {
      request.socket.once("close", () => closed.resolve());
      stop.abort(new Error("enough"));
    });
    await expect(send({}, stop.signal)).rejects.toThrow("enough");
    await closed.promise;
    await expect(send({}, stop.signal)).rejects.toThrow("enough");
  });

  test("a request that is aborted while it waits for a connection is never sent", async () => {
    const first = Promise.withResolvers<() => void>();
    const { seen, send } = await serve((request, response) => {
      if (request.url === "/first") first.resolve(() => response.end());
      else response.end();
    }, 1);
    const stop = new AbortController();
    const before = send({ path: "/first" });
    const waiting = send({ path: "/waiting" }, stop.signal);
    const finish = await first.promise;
    stop.abort(new Error("enough"));
    await expect(waiting).rejects.toThrow("enough");
    finish();
    await before;
    await send({ path: "/last" });
    expect(seen.map(({ url }) => url)).toEqual(["/first", "/last"]);
  });
});
