import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { IoTClient, type IoTClientConfig } from "@aws-sdk/client-iot";
import { expect, onTestFinished, test } from "vitest";
import { HttpHandler } from "../../src/aws/http-handler.ts";
import { type Exchange, InvokeSender } from "../../src/aws/invoke-sender.ts";

const NEVER = new AbortController().signal;
const DAY_MS = 86_400_000;

/** A request that waits for its answer. */
interface Asked {
  readonly request: IncomingMessage;
  readonly answer: (principalId: string) => void;
}

/** A sender over a real client, in front of a real server that answers when the test does. */
async function start(credentials: IoTClientConfig["credentials"]) {
  const asked = new Map<string, Asked>();
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const answer = (principalId: string) => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ isAuthenticated: true, principalId }));
    };
    asked.set(request.url ?? "", { request, answer });
  };
  const server = createServer(listener);
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const client = new IoTClient({
    region: "eu-west-1",
    endpoint: `http://127.0.0.1:${port}`,
    credentials,
    requestHandler: new HttpHandler(10),
  });
  onTestFinished(() => {
    client.destroy();
    server.closeAllConnections();
    server.close();
  });
  const sender = new InvokeSender(client);
  const begin = async (authorizerName: string, signal = NEVER) => {
    const exchange: Exchange = { input: { authorizerName }, signal, time: null };
    const sent = sender.send(exchange);
    sent.catch(() => {});
    const at = `/authorizer/${authorizerName}/test`;
    await expect.poll(() => asked.has(at)).toBe(true);
    return { exchange, sent, ...(asked.get(at) as Asked) };
  };
  return { begin };
}

const KEYS = { accessKeyId: "AKIDFIRST", secretAccessKey: "not-a-real-key" };

test("calls at the same time have their own answers and times each, whatever the order of the answers", async () => {
  const { begin } = await start(KEYS);
  const slow = await begin("slow");
  const quick = await begin("quick");
  quick.answer("of the quick one");
  expect(await quick.sent).toMatchObject({ principalId: "of the quick one" });
  expect(slow.exchange.time).toBeNull();
  slow.answer("of the slow one");
  expect(await slow.sent).toMatchObject({ principalId: "of the slow one" });
  expect(slow.exchange.time?.durationMs).toBeGreaterThan(quick.exchange.time?.durationMs ?? Number.NaN);
});

test("an aborted call breaks its own request off, and no other", async () => {
  const { begin } = await start(KEYS);
  const stop = new AbortController();
  const [aborted, other] = [await begin("aborted", stop.signal), await begin("other")];
  const closed = once(aborted.request.socket, "close");
  stop.abort(new Error("enough"));
  await expect(aborted.sent).rejects.toThrow("enough");
  await closed;
  other.answer("pump-1");
  expect(await other.sent).toMatchObject({ principalId: "pump-1" });
});

test("each call is signed with the credentials of its time", async () => {
  let keys = { ...KEYS, expiration: new Date(Date.now() - DAY_MS) };
  const { begin } = await start(() => Promise.resolve(keys));
  const first = await begin("first");
  keys = { ...keys, accessKeyId: "AKIDSECOND", expiration: new Date(Date.now() + DAY_MS) };
  const second = await begin("second");
  expect(first.request.headers.authorization).toContain("Credential=AKIDFIRST/");
  expect(second.request.headers.authorization).toContain("Credential=AKIDSECOND/");
});
