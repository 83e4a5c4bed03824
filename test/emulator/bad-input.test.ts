/** Whatever a stranger sends: the emulator goes on, leaves nothing open, and tells an MQTT 5 client what was wrong. */
import { createHook } from "node:async_hooks";
import { readFileSync } from "node:fs";
import { connect as connectTcp, type Socket } from "node:net";
import { connect as connectTls, TLSSocket } from "node:tls";
import fc from "fast-check";
import { generate, type Packet, parser } from "mqtt-packet";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import { PacketReader, ProtocolError } from "../../src/emulator/gateway/framing.ts";
import {
  CALLER,
  connackOf,
  connectMqtt,
  ENDPOINT,
  nextMessage,
  startTestEmulator,
  type TestEmulator,
} from "../support/emulator.ts";
import { signedHeaders } from "../support/signed-request.ts";

let emulator: TestEmulator;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(() => emulator.stop());

const someBytes = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes));

function tls(ALPNProtocols = ["mqtt"]): TLSSocket {
  const socket = connectTls({
    ...{ host: emulator.host, port: emulator.port, servername: ENDPOINT },
    ...{ ca: readFileSync(emulator.caFile), ...(ALPNProtocols.length > 0 && { ALPNProtocols }) },
  });
  socket.on("error", () => {});
  return socket;
}

/** Everything until the other side closes. */
function drain(socket: Socket): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(chunks)));
  });
}

let lastId = 0;
/** A CONNECT that is let in, for a client id of its own. */
function connectPacket(protocolVersion: 4 | 5): Buffer {
  lastId += 1;
  const clientId = `raw-${lastId}`;
  return generate({
    ...{ cmd: "connect", protocolId: "MQTT", protocolVersion, clientId, clean: true, keepalive: 60 },
    ...{ username: "device", password: Buffer.from("right") },
  });
}

/** What the gateway says to `bytes` after it has let the client in. */
async function answersTo(protocolVersion: 4 | 5, bytes: Buffer): Promise<readonly Packet[]> {
  const socket = tls();
  socket.write(Buffer.concat([connectPacket(protocolVersion), bytes]));
  return packetsIn(await drain(socket), protocolVersion);
}

function packetsIn(bytes: Buffer, protocolVersion: 4 | 5): readonly Packet[] {
  const packets: Packet[] = [];
  const reader = parser({ protocolVersion });
  reader.on("packet", (packet) => packets.push(packet));
  reader.on("error", (error) => {
    throw error;
  });
  reader.parse(bytes);
  return packets;
}

const publish = (protocolVersion: 4 | 5, topic: string, properties = {}) =>
  generate(
    { cmd: "publish", topic, payload: "x", qos: 0, retain: false, dup: false, properties },
    {
      protocolVersion,
    },
  );

describe("what ends an MQTT 5 session, and the code it is told", () => {
  test.each([
    ["a packet of type 0", Buffer.from([0x00, 0x00]), 0x81],
    ["PINGREQ with flags set", Buffer.from([0xc1, 0x00]), 0x81],
    ["SUBSCRIBE with its flags wrong", Buffer.from([0x80, 0x05, 0x00, 0x01, 0x00, 0x00, 0x00]), 0x81],
    ["a PUBLISH cut short", Buffer.from([0x30, 0x02, 0x00, 0x09]), 0x81],
    ["a PUBLISH with QoS 3", Buffer.from([0x36, 0x03, 0x00, 0x01, 0x61]), 0x81],
    ["a remaining length of five bytes", Buffer.from([0x30, 0xff, 0xff, 0xff, 0xff, 0x01]), 0x81],
    ["a packet that announces over 146 KB", Buffer.from([0x30, 0x81, 0x90, 0x09]), 0x95],
    ["a second CONNECT", connectPacket(5), 0x82],
    ["a packet that only servers send", Buffer.from([0xd0, 0x00]), 0x82],
    ["PUBREL, which belongs to QoS 2", Buffer.from([0x62, 0x02, 0x00, 0x01]), 0x82],
    ["a topic with a wildcard", publish(5, "a/#"), 0x90],
    ["a topic with a null character", publish(5, "a\0b"), 0x90],
    ["a topic alias over 8", publish(5, "a", { topicAlias: 9 }), 0x94],
    ["a topic alias that was never set", publish(5, "", { topicAlias: 3 }), 0x82],
  ])("%s: 0x%s", async (_what, bytes, code) => {
    const answers = await answersTo(5, bytes);
    expect(answers.map(({ cmd }) => cmd)).toEqual(["connack", "disconnect"]);
    expect(answers[1]).toMatchObject({ reasonCode: code });
  });

  test.each([
    ["a packet of type 0", Buffer.from([0x00, 0x00])],
    ["a PUBLISH cut short", Buffer.from([0x30, 0x02, 0x00, 0x09])],
    ["a second CONNECT", connectPacket(4)],
  ])("over MQTT 3.1.1 %s just ends it", async (_what, bytes) => {
    expect((await answersTo(4, bytes)).map(({ cmd }) => cmd)).toEqual(["connack"]);
  });

  test("before a CONNECT nothing is said at all", async () => {
    for (const bytes of [publish(5, "a"), Buffer.from([0xc0, 0x00]), Buffer.from([0x10, 0x02, 0x00, 0x09])]) {
      const socket = tls();
      socket.write(bytes);
      expect(await drain(socket)).toHaveLength(0);
    }
  });

  test("and no other client notices", async () => {
    const bystander = await connectMqtt(emulator, { clientId: "bystander", protocolVersion: 5 });
    onTestFinished(() => bystander.endAsync(true));
    await bystander.subscribeAsync("calm");
    for (let count = 0; count < 10; count++) await answersTo(5, Buffer.from([0x00, 0x00]));
    const got = nextMessage(bystander);
    await bystander.publishAsync("calm", "still here", { qos: 1 });
    expect(await got).toMatchObject({ payload: "still here" });
  });
});

describe("any bytes at all", () => {
  test("are packets or a protocol error, in whatever pieces they come", () => {
    const packets = fc.array(
      fc.oneof(
        fc.constantFrom<Packet>({ cmd: "pingreq" }, { cmd: "disconnect", reasonCode: 0 }),
        fc.string({ minLength: 1, maxLength: 20 }).map(
          (payload): Packet => ({
            ...{ cmd: "publish", topic: "t", payload, qos: 1, messageId: 7, retain: false, dup: false },
          }),
        ),
      ),
      { maxLength: 6 },
    );
    const commands = (chunks: readonly Buffer[]) => {
      const reader = new PacketReader();
      return chunks.flatMap((chunk) => [...reader.push(chunk)].map(({ cmd }) => cmd));
    };
    fc.assert(
      fc.property(packets, fc.array(fc.nat(400), { maxLength: 8 }), (sent, cuts) => {
        const bytes = Buffer.concat([
          connectPacket(5),
          ...sent.map((packet) => generate(packet, { protocolVersion: 5 })),
        ]);
        const at = [...new Set([0, ...cuts.map((cut) => cut % bytes.length), bytes.length])].sort(
          (a, b) => a - b,
        );
        const chunks = at.slice(1).map((end, index) => bytes.subarray(at[index], end));
        expect(commands(chunks)).toEqual(["connect", ...sent.map(({ cmd }) => cmd)]);
      }),
    );
    fc.assert(
      fc.property(fc.array(someBytes, { maxLength: 4 }), (chunks) => {
        try {
          commands([connectPacket(5), ...chunks]);
        } catch (error) {
          expect(error).toBeInstanceOf(ProtocolError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("in an MQTT 5 session end in a DISCONNECT with an error code, or in nothing", async () => {
    await fc.assert(
      fc.asyncProperty(someBytes, async (bytes) => {
        const socket = tls();
        // A half packet would be waited for: the end of the stream ends it.
        socket.end(Buffer.concat([connectPacket(5), bytes]));
        const last = packetsIn(await drain(socket), 5).at(-1);
        if (last?.cmd === "disconnect") expect(last.reasonCode).toBeGreaterThanOrEqual(0x80);
      }),
      { numRuns: 60 },
    );
    expect(await connackOf(emulator)).toBe(0);
  });

  test("over HTTPS are answered 4xx or closed", async () => {
    const head = fc.constantFrom(
      ...[
        "",
        "GET /mqtt HTTP/1.1\r\n",
        "POST /topics/a?qos=1 HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n",
      ],
      ...[
        "GET /connections/a HTTP/1.1\r\nhost: a\r\nauthorization: ",
        "POST /topics/%ff HTTP/1.1\r\nhost: a\r\n",
      ],
      "GET /mqtt HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: ",
    );
    await fc.assert(
      fc.asyncProperty(head, someBytes, async (first, bytes) => {
        const socket = tls([]);
        socket.end(Buffer.concat([Buffer.from(first), bytes]));
        expect((await drain(socket)).toString("latin1")).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
      }),
      { numRuns: 60 },
    );
  });

  test("in and as the frames of a WebSocket end it, and nothing else", async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), someBytes, async (isFramed, bytes) => {
        const socket = new WebSocket(`wss://${emulator.gateway}/mqtt`, "mqtt", {
          ...{ ca: readFileSync(emulator.caFile), headers: { host: ENDPOINT } },
        });
        socket.on("error", () => {});
        const gone = new Promise((resolve) => socket.on("close", resolve));
        socket.on("upgrade", ({ socket: tcp }) => {
          if (!isFramed) tcp.end(bytes);
        });
        socket.on("open", () => {
          socket.send(Buffer.concat([connectPacket(5), bytes]));
          socket.close();
        });
        await gone;
      }),
      { numRuns: 30 },
    );
    expect(await connackOf(emulator)).toBe(0);
  });
});

describe("no socket stays behind", () => {
  /** Counts the process's TCP sockets, ours and the emulator's ends alike, from now on. */
  function countSockets(): () => number {
    const open = new Set<number>();
    const hook = createHook({
      trackPromises: false,
      init: (id, type) => {
        if (type === "TCPWRAP") open.add(id);
      },
      destroy: (id) => open.delete(id),
    }).enable();
    onTestFinished(() => {
      hook.disable();
    });
    return () => open.size;
  }

  test("the count sees one that does", async () => {
    const count = countSockets();
    const session = tls();
    session.write(connectPacket(5));
    await new Promise((resolve) => session.once("data", resolve));
    // Both ends.
    expect(count()).toBe(2);
    session.destroy();
    await expect.poll(count).toBe(0);
  });

  const garbage = (seed: number) =>
    Buffer.from(Array.from({ length: 50 }, (_, index) => (index * 37 + seed * 11) % 256));
  const apiSocket = () => connectTcp(Number(new URL(emulator.api).port), "127.0.0.1");
  const cutRequest = "PUT /jobs/a HTTP/1.1\r\nhost: a\r\ncontent-length: 99\r\n\r\n";
  const strangers: readonly (readonly [string, (seed: number) => Socket])[] = [
    ["no TLS", (seed) => sending(connectTcp(emulator.port, emulator.host), garbage(seed))],
    ["no MQTT", (seed) => sending(tls(), garbage(seed))],
    ["no HTTP", (seed) => sending(tls([]), garbage(seed))],
    ["no MQTT after a CONNECT", (seed) => sending(tls(), Buffer.concat([connectPacket(5), garbage(seed)]))],
    ["a cut request to the API", (seed) => sending(apiSocket(), Buffer.from(cutRequest), garbage(seed))],
  ];

  function sending(socket: Socket, ...bytes: readonly Buffer[]): Socket {
    socket.on("error", () => {});
    socket.write(Buffer.concat(bytes));
    return socket;
  }

  /** It has sent what it has to send: a TLS client only after its handshake. */
  function sent(socket: Socket): Promise<void> {
    return new Promise((resolve) => {
      socket.once("close", () => resolve());
      socket.write("", () => resolve());
    });
  }

  test.each(strangers)("of one that sends %s and ends", async (_what, stranger) => {
    const count = countSockets();
    await Promise.all(
      Array.from({ length: 10 }, (_, seed) => {
        const socket = stranger(seed);
        socket.end();
        return drain(socket);
      }),
    );
    await expect.poll(count).toBe(0);
  });

  test.each(strangers)("of one that sends %s and vanishes", async (_what, stranger) => {
    const count = countSockets();
    await Promise.all(
      Array.from({ length: 10 }, async (_, seed) => {
        const socket = stranger(seed);
        await sent(socket);
        if (seed % 2 === 0 && !(socket instanceof TLSSocket)) socket.resetAndDestroy();
        else socket.destroy();
      }),
    );
    await expect.poll(count).toBe(0);
  });

  test("of one whose handshake stops half way", async () => {
    const count = countSockets();
    const hello = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 252]);
    const half = Array.from({ length: 10 }, () => sending(connectTcp(emulator.port, emulator.host), hello));
    await Promise.all(half.map(sent));
    for (const socket of half) socket.destroy();
    await expect.poll(count).toBe(0);
  });
});

describe("the API", () => {
  function raw(bytes: Buffer): Promise<Buffer> {
    const socket = connectTcp(Number(new URL(emulator.api).port), "127.0.0.1");
    socket.end(bytes);
    return drain(socket);
  }

  test("bytes that are not HTTP, and requests cut short, are closed or answered 4xx", async () => {
    const request = Buffer.from(
      "POST /authorizer/open-door/test HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n{}",
    );
    const cut = fc.nat(request.length).map((size) => request.subarray(0, size));
    await fc.assert(
      fc.asyncProperty(fc.oneof(someBytes, cut), async (bytes) => {
        const answer = (await raw(bytes)).toString("latin1");
        expect(answer).toMatch(/^(HTTP\/1\.1 4\d\d |$)/);
      }),
      { numRuns: 80 },
    );
  });

  test("any JSON for any operation is an answer or an error of the model, never a 500", async () => {
    const { host } = new URL(emulator.api);
    const name = fc.oneof(fc.constantFrom("open-door", "j1", "%24x", "%", "%00", "a%2Fb"), fc.webSegment());
    const operation = fc.constantFrom(
      ...(["POST /authorizer/NAME/test", "POST /authorizer/NAME", "PUT /authorizer/NAME"] as const),
      ...(["DELETE /authorizer/NAME", "POST /default-authorizer", "GET /authorizers"] as const),
      ...(["PUT /jobs/NAME", "PUT /jobs/NAME/cancel", "GET /jobs/NAME"] as const),
      ...(["POST /things/NAME/connectivity-data", "GET /connections/NAME", "GET /endpoint"] as const),
    );
    const keys = fc.constantFrom(
      ...[
        "token",
        "mqttContext",
        "httpContext",
        "tlsContext",
        "authorizerName",
        "authorizerFunctionArn",
        "targets",
      ],
      ...[
        "document",
        "status",
        "comment",
        "abortConfig",
        "schedulingConfig",
        "includeSocketInformation",
        "tags",
      ],
    );
    const body = fc.oneof(fc.jsonValue(), fc.dictionary(keys, fc.jsonValue(), { maxKeys: 4 }));
    await fc.assert(
      fc.asyncProperty(operation, name, body, async (each, part, json) => {
        const [method = "", path = ""] = each.replace("NAME", part).split(" ");
        const text = method === "GET" || method === "DELETE" ? "" : JSON.stringify(json);
        const headers = signedHeaders({
          ...{ method, target: path, host, service: "iot", body: text, credentials: CALLER },
        });
        const response = await fetch(`${emulator.api}${path}`, {
          method,
          headers,
          ...(text !== "" && { body: text }),
        });
        const answer = (await response.json()) as object;
        expect(response.status, `${each} ${part} ${text}`).toBeLessThan(500);
        if (response.status !== 200) {
          expect(response.headers.get("x-amzn-errortype")).toMatch(/^[A-Z]\w+:$/);
          expect(answer).toHaveProperty("message");
        }
      }),
      { numRuns: 300 },
    );
  });
});
