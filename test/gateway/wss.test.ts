import { Buffer } from "node:buffer";
import { once } from "node:events";
import { createServer } from "node:https";
import { beforeAll, describe, expect, test } from "vitest";
import { createWebSocketStream, WebSocketServer } from "ws";
import { probe } from "../../src/gateway/probers.ts";
import type { Wire } from "../../src/model/context.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import { Secret } from "../../src/model/secret.ts";
import { inputOf, PASSWORD, targetOf, wireOf } from "../support/gateway-input.ts";
import {
  frame,
  type HttpRequestSeen,
  headerOf,
  type Peer,
  readRequest,
  serveMqtt,
  tlsPeer,
  upgradeAnswer,
} from "../support/gateway-peers.ts";
import { makePki, type Pki } from "../support/gateway-pki.ts";

type WssWire = Extract<Wire, { kind: "wss" }>;

let pki: Pki;
beforeAll(() => {
  pki = makePki();
});

const WIRE = wireOf("wss") as WssWire;
const ACCEPTED = Buffer.from([0x20, 2, 0, 0]);

const run = (
  peer: { readonly port: number },
  wire: Partial<WssWire> = {},
  timeoutMs = 10_000,
): Promise<Outcome> => probe(inputOf(targetOf(pki, peer.port), { ...WIRE, ...wire }, { timeoutMs }));

/** Answers the upgrade with `answer`, byte for byte, and then leaves the connection open. */
const answering = (answer: (request: HttpRequestSeen) => string): Promise<Peer> =>
  tlsPeer(pki.good, (socket) => readRequest(socket, (request) => void socket.write(answer(request))));

/** Upgrades as it should be, and sends these frames after CONNECT. */
const afterConnect = (...frames: readonly Buffer[]): Promise<Peer> =>
  tlsPeer(pki.good, (socket) =>
    readRequest(socket, (request) => {
      socket.write(upgradeAnswer(request, "mqtt"));
      socket.once("data", () => {
        for (const each of frames) socket.write(each);
        socket.once("data", () => socket.end());
      });
    }),
  );

test("a real WebSocket server and MQTT stack accept it, and see it leave in order", async () => {
  await using stack = new AsyncDisposableStack();
  const server = createServer({ ...pki.good });
  stack.defer(() => new Promise<void>((resolve) => server.close(() => resolve())));
  const sockets = new WebSocketServer({ server, handleProtocols: () => "mqtt" });
  const packets: string[] = [];
  const closed = Promise.withResolvers<number>();
  sockets.on("connection", (ws) => {
    ws.on("close", (code) => closed.resolve(code));
    serveMqtt(createWebSocketStream(ws), {
      onConnect: (packet, session) => {
        packets.push(`${packet.cmd} ${packet.clientId}`);
        session.send({ cmd: "connack", sessionPresent: false, reasonCode: 0 });
      },
      onPacket: (packet) => packets.push(packet.cmd),
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  const connect = { ...WIRE.connect, mqttVersion: 5 } as const;
  expect(await run(address, { connect })).toMatchObject({ kind: "accepted", code: 0 });
  expect(await closed.promise).toBe(1005);
  expect(packets).toEqual(["connect pump-1", "disconnect"]);
});

test("the upgrade carries path, query, headers, Host and subprotocol as given", async () => {
  const seen: HttpRequestSeen[] = [];
  await using peer = await answering((request) => {
    seen.push(request);
    return "HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n";
  });
  const path = "/mqtt?x-amz-customauthorizer-signature=a%2Bb==&t='\"<>|{}^`/../x";
  await run(peer, {
    path: new Secret(path),
    headers: { "X-Token": new Secret("t-1"), "x-lower": new Secret("é") },
  });
  const [request] = seen;
  expect(request?.line).toBe(`GET ${path} HTTP/1.1`);
  expect(request?.headers).toEqual(
    expect.arrayContaining([
      "Host: gateway.test",
      "X-Token: t-1",
      "x-lower: é",
      "Sec-WebSocket-Protocol: mqtt",
      "Sec-WebSocket-Version: 13",
    ]),
  );
  expect(headerOf(request?.headers ?? [], "sec-websocket-extensions")).toBeUndefined();
});

test("CONNECT is one binary frame", async () => {
  const seen: Buffer[] = [];
  await using peer = await tlsPeer(pki.good, (socket) =>
    readRequest(socket, (request) => {
      socket.write(upgradeAnswer(request, "mqtt"));
      socket.once("data", (chunk: Buffer) => {
        seen.push(chunk);
        socket.write(frame(2, ACCEPTED));
        socket.once("data", () => socket.end());
      });
    }),
  );
  expect(await run(peer)).toMatchObject({ kind: "accepted" });
  const [first] = seen;
  expect(first?.[0]).toBe(0x82);
  // Two bytes of header, four of mask, and all the rest is the frame's payload.
  expect(((first?.[1] ?? 0) & 0x7f) + 6).toBe(first?.length);
});

test.each(["/mqtt\r\nX-Injected: 1", "/mqtt x", "mqtt", "/€"])(
  "a request target that HTTP does not allow is not sent: %j",
  async (path) => {
    await using peer = await answering(() => "");
    expect(await run(peer, { path: new Secret(path) })).toMatchObject({
      kind: "broken",
      cause: "PROFILE_INVALID",
    });
    expect(peer.connections).toHaveLength(0);
  },
);

test("a header that HTTP does not allow is our side's fault, and its value is not told", async () => {
  await using peer = await answering(() => "");
  const outcome = await run(peer, { headers: { "x-token": new Secret(`${PASSWORD}\r\nX: 1`) } });
  expect(outcome).toMatchObject({ kind: "broken", cause: "TESTER_ERROR" });
  expect(JSON.stringify(outcome)).not.toContain(PASSWORD);
});

describe("an upgrade answered with a status", () => {
  test.each([
    [401, "refused", null],
    [403, "refused", null],
    [429, "unreachable", "GATEWAY_THROTTLED"],
    [500, "unreachable", "GATEWAY_UNAVAILABLE"],
    [503, "unreachable", "GATEWAY_UNAVAILABLE"],
    [200, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    [301, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    [400, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    [404, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
    [426, "broken", "GATEWAY_PROTOCOL_VIOLATION"],
  ])("%d is %s", async (status, kind, cause) => {
    await using peer = await answering(
      () => `HTTP/1.1 ${status} X\r\nlocation: https://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n`,
    );
    const outcome = await run(peer);
    expect(outcome).toMatchObject({ kind, code: status });
    if (cause === null) expect(outcome).toMatchObject({ how: "status" });
    else expect(outcome).toMatchObject({ cause });
    expect(peer.connections).toHaveLength(1);
  });

  test("keeps AWS's error type and message, scrubbed", async () => {
    const body = JSON.stringify({ message: `Forbidden for ${PASSWORD}`, traceId: "t" });
    await using peer = await answering(
      () =>
        `HTTP/1.1 403 Forbidden\r\nx-amzn-ErrorType: ForbiddenException:\r\ncontent-length: ${body.length}\r\n\r\n${body}`,
    );
    expect(await run(peer)).toMatchObject({
      kind: "refused",
      reason: "the WebSocket upgrade was answered with HTTP 403: ForbiddenException: Forbidden for <secret>",
    });
  });

  test("does not wait for a body that never comes", async () => {
    await using peer = await answering(() => "HTTP/1.1 403 Forbidden\r\ncontent-length: 1000\r\n\r\n");
    expect(await run(peer)).toMatchObject({ kind: "refused", how: "status", code: 403 });
  });
});

test("a missing subprotocol is named", async () => {
  await using peer = await answering((request) => upgradeAnswer(request, null));
  expect(await run(peer)).toMatchObject({ kind: "broken", cause: "SUBPROTOCOL_MISSING" });
});

test("another subprotocol is a protocol violation", async () => {
  await using peer = await answering((request) => upgradeAnswer(request, "amqp"));
  expect(await run(peer)).toMatchObject({ kind: "broken", cause: "GATEWAY_PROTOCOL_VIOLATION" });
});

test("a wrong Sec-WebSocket-Accept is a protocol violation", async () => {
  await using peer = await answering((request) => upgradeAnswer({ ...request, headers: [] }, "mqtt"));
  expect(await run(peer)).toMatchObject({ kind: "broken", cause: "GATEWAY_PROTOCOL_VIOLATION" });
});

test("a close before the upgrade is answered is unreachable", async () => {
  await using peer = await tlsPeer(pki.good, (socket) => readRequest(socket, () => void socket.end()));
  expect(await run(peer)).toMatchObject({ kind: "unreachable", cause: "GATEWAY_RESET" });
});

test("an endless row of informational answers is cut off", async () => {
  await using peer = await tlsPeer(pki.good, (socket) =>
    readRequest(socket, () => {
      const early = Buffer.from("HTTP/1.1 103 Early Hints\r\n\r\n".repeat(1000));
      const pump = (): void => {
        if (!socket.destroyed) socket.write(early, (error) => error ?? setImmediate(pump));
      };
      pump();
    }),
  );
  expect(await run(peer)).toMatchObject({ kind: "broken", cause: "GATEWAY_PROTOCOL_VIOLATION" });
});

describe("after CONNECT", () => {
  test.each([
    [
      "1008 and a reason",
      frame(8, Buffer.concat([Buffer.from([0x03, 0xf0]), Buffer.from(`no ${PASSWORD}`)])),
      "WebSocket close 1008, no <secret>",
    ],
    ["no code", frame(8, Buffer.alloc(0)), "WebSocket close 1005"],
  ])("a close frame with %s is a refusal by closing", async (_name, bytes, reason) => {
    await using peer = await afterConnect(bytes);
    expect(await run(peer)).toMatchObject({
      kind: "refused",
      how: "closed",
      reason: `closed after CONNECT, without a CONNACK: ${reason}`,
    });
  });

  test("a close without a frame is a refusal by closing", async () => {
    await using peer = await tlsPeer(pki.good, (socket) =>
      readRequest(socket, (request) => {
        socket.write(upgradeAnswer(request, "mqtt"));
        socket.once("data", () => socket.end());
      }),
    );
    expect(await run(peer)).toMatchObject({ kind: "refused", how: "closed" });
  });

  test("when nobody waits any more, DISCONNECT keeps the will from being fired", async () => {
    const goodbye = Promise.withResolvers<Buffer>();
    await using peer = await tlsPeer(pki.good, (socket) =>
      readRequest(socket, (request) => {
        socket.write(upgradeAnswer(request, "mqtt"));
        socket.once("data", () => socket.once("data", goodbye.resolve));
      }),
    );
    expect(await run(peer, {}, 200)).toMatchObject({ kind: "unreachable", cause: "GATEWAY_TIMEOUT" });
    const [opcode, length, ...rest] = await goodbye.promise;
    expect([opcode, length]).toEqual([0x82, 0x82]);
    expect([(rest[4] ?? 0) ^ (rest[0] ?? 0), (rest[5] ?? 0) ^ (rest[1] ?? 0)]).toEqual([0xe0, 0]);
  });

  test("a CONNACK split over frames, with a ping between them, is read", async () => {
    await using peer = await afterConnect(
      frame(2, ACCEPTED.subarray(0, 1)),
      frame(9, Buffer.from("?")),
      frame(2, ACCEPTED.subarray(1)),
    );
    expect(await run(peer)).toMatchObject({ kind: "accepted" });
  });

  test("a refusing CONNACK is a refusal by code", async () => {
    await using peer = await afterConnect(frame(2, Buffer.from([0x20, 2, 0, 5])));
    expect(await run(peer)).toMatchObject({ kind: "refused", how: "code", code: 5 });
  });

  test.each([
    ["text frames", frame(1, ACCEPTED)],
    ["a reserved opcode", frame(3, ACCEPTED)],
    ["a masked frame", Buffer.from([0x82, 0x84, 0, 0, 0, 0, 0x20, 2, 0, 0])],
    ["a frame of 256 MB", Buffer.from([0x82, 127, 0, 0, 0, 0, 0x10, 0, 0, 0])],
    ["compression nobody offered", Buffer.from([0xc2, 4, 0x20, 2, 0, 0])],
  ])("%s are a protocol violation", async (_name, bytes) => {
    await using peer = await afterConnect(bytes);
    expect(await run(peer)).toMatchObject({ kind: "broken", cause: "GATEWAY_PROTOCOL_VIOLATION" });
  });
});
