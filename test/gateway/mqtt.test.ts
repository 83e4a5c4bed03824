import { Buffer } from "node:buffer";
import { once } from "node:events";
import { generate, type IConnectPacket, type Packet } from "mqtt-packet";
import { beforeAll, describe, expect, test } from "vitest";
import { probe } from "../../src/gateway/probers.ts";
import type { ConnectFields } from "../../src/model/context.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { ProbeInput } from "../../src/model/ports.ts";
import { Secret } from "../../src/model/secret.ts";
import { CONNECT, inputOf, PASSWORD, targetOf, wireOf } from "../support/gateway-input.ts";
import {
  type MqttPeerHandlers,
  type MqttPeerSession,
  type Peer,
  serveMqtt,
  tlsPeer,
} from "../support/gateway-peers.ts";
import { makePki, type Pki } from "../support/gateway-pki.ts";

let pki: Pki;
beforeAll(() => {
  pki = makePki();
});

const broker = (handlers: MqttPeerHandlers): Promise<Peer> =>
  tlsPeer(pki.good, (socket) => serveMqtt(socket, handlers), { ALPNProtocols: ["mqtt"] });

const run = (
  peer: Peer,
  connect: Partial<ConnectFields> = {},
  overrides: Partial<ProbeInput> = {},
): Promise<Outcome> =>
  probe(inputOf(targetOf(pki, peer.port), wireOf("mqtt", { alpn: ["mqtt"] }, connect), overrides));

/** A CONNACK in the version's own form, written by hand: independent of the library both sides could share. */
const connack = (version: 4 | 5, code: number): number[] =>
  version === 4 ? [0x20, 2, 0, code] : [0x20, 3, 0, code, 0];

describe("CONNECT", () => {
  test("carries exactly what the wire says, in MQTT 3.1.1", async () => {
    const seen: IConnectPacket[] = [];
    await using peer = await broker({
      onConnect: (packet, session) => {
        seen.push(packet);
        session.raw(connack(4, 0));
      },
      onPacket: (_packet, session) => void session.stream.end(),
    });
    const will = { topic: "w/1", payload: "gone", qos: 1 } as const;
    const password = new Secret(Uint8Array.from([0, 0xff, 0xc3, 0x28]));
    const outcome = await run(peer, {
      will,
      password,
      keepAliveSeconds: 30,
      cleanSession: false,
      sessionExpirySeconds: 9,
    });
    expect(outcome).toMatchObject({ kind: "accepted", code: 0, transport: { tls: { alpn: "mqtt" } } });
    expect(seen).toEqual([
      expect.objectContaining({
        protocolId: "MQTT",
        protocolVersion: 4,
        clientId: "pump-1",
        username: "pump-1?x-amz-customauthorizer-name=a%2Bb",
        password: Buffer.from([0, 0xff, 0xc3, 0x28]),
        clean: false,
        keepalive: 30,
        will: { topic: "w/1", payload: Buffer.from("gone"), qos: 1, retain: false },
      }),
    ]);
    expect(seen[0]?.properties).toBeUndefined();
  });

  test("carries the session expiry in MQTT 5", async () => {
    const seen: IConnectPacket[] = [];
    await using peer = await broker({
      onConnect: (packet, session) => {
        seen.push(packet);
        session.raw(connack(5, 0));
      },
      onPacket: (_packet, session) => void session.stream.end(),
    });
    await run(peer, { mqttVersion: 5, sessionExpirySeconds: 120, username: null, password: null });
    expect(seen).toMatchObject([{ protocolVersion: 5, properties: { sessionExpiryInterval: 120 } }]);
    expect(seen[0]?.username).toBeUndefined();
    expect(seen[0]?.password).toBeUndefined();
  });

  test.each([
    ["a user name of more than 65,535 bytes", { username: new Secret("u".repeat(65_536)) }],
    ["a password without a user name", { username: null }],
    ["an empty client id that wants its session kept", { clientId: "", cleanSession: false }],
  ])("is not sent when it cannot be written: %s", async (_name, connect) => {
    await using peer = await broker({ onConnect: () => {} });
    expect(await run(peer, connect)).toMatchObject({ kind: "broken", cause: "PROFILE_INVALID" });
    expect(peer.connections).toHaveLength(0);
  });
});

describe.each([4, 5] as const)("MQTT version %d", (mqttVersion) => {
  const failing =
    mqttVersion === 4
      ? [1, 2, 4, 5, 6, 7, 255]
      : [
          0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x8a, 0x8c, 0x90, 0x95, 0x99, 0x9a, 0x9b, 0x9c,
          0x9d,
        ];
  const unreachable =
    mqttVersion === 4
      ? [[3, "GATEWAY_UNAVAILABLE"]]
      : [
          [0x88, "GATEWAY_UNAVAILABLE"],
          [0x89, "GATEWAY_UNAVAILABLE"],
          [0x97, "GATEWAY_THROTTLED"],
          [0x9f, "GATEWAY_THROTTLED"],
        ];

  test.each(failing)("CONNACK %d is a refusal", async (code) => {
    await using peer = await broker({
      onConnect: (_packet, session) => session.raw(connack(mqttVersion, code)),
    });
    expect(await run(peer, { mqttVersion })).toMatchObject({ kind: "refused", how: "code", code });
  });

  test.each(unreachable)("CONNACK %d is %s", async (code, cause) => {
    await using peer = await broker({
      onConnect: (_packet, session) => session.raw(connack(mqttVersion, Number(code))),
    });
    expect(await run(peer, { mqttVersion })).toMatchObject({ kind: "unreachable", cause, code });
  });

  test("an accepted session is ended by DISCONNECT", async () => {
    const after: Packet[] = [];
    await using peer = await broker({
      onConnect: (_packet, session) => session.raw(connack(mqttVersion, 0)),
      onPacket: (packet, session) => {
        after.push(packet);
        session.stream.end();
      },
    });
    expect(await run(peer, { mqttVersion })).toMatchObject({ kind: "accepted" });
    expect(after.map((packet) => packet.cmd)).toEqual(["disconnect"]);
  });

  test("nothing is sent after a refusal, and nothing is said to have been", async () => {
    const after: string[] = [];
    await using peer = await broker({
      // Left open, so that there is time to answer.
      onConnect: (_packet, session) => session.raw(connack(mqttVersion, 5 + 0x82 * (mqttVersion - 4))),
      onPacket: (packet) => void after.push(packet.cmd),
    });
    const outcome = await run(peer, { mqttVersion });
    await Promise.all(peer.connections.map((socket) => socket.destroyed || once(socket, "close")));
    expect(after).toEqual([]);
    expect(outcome).toMatchObject({
      kind: "refused",
      transport: { packets: ["> CONNECT", expect.stringMatching(/^< CONNACK/)] },
    });
  });

  test("messages that wait for the device are not acknowledged", async () => {
    const after: string[] = [];
    await using peer = await broker({
      onConnect: (_packet, session) => {
        // In one piece, so that the messages are there before the session could be ended.
        const messages = ([1, 2] as const).map((qos) => {
          const message = { topic: "t", payload: "x", messageId: qos, dup: false, retain: false } as const;
          return generate({ cmd: "publish", qos, ...message }, { protocolVersion: mqttVersion });
        });
        session.stream.write(Buffer.concat([Buffer.from(connack(mqttVersion, 0)), ...messages]));
      },
      onPacket: (packet, session) => {
        after.push(packet.cmd);
        if (packet.cmd === "disconnect") session.stream.end();
      },
    });
    expect(await run(peer, { mqttVersion, cleanSession: false })).toMatchObject({ kind: "accepted" });
    expect(after).toEqual(["disconnect"]);
  });

  test("a close after CONNECT is a refusal by closing", async () => {
    await using peer = await broker({ onConnect: (_packet, session) => void session.stream.end() });
    expect(await run(peer, { mqttVersion })).toMatchObject({ kind: "refused", how: "closed", code: null });
  });

  test("a close in the middle of CONNACK is a protocol violation", async () => {
    await using peer = await broker({
      onConnect: (_packet, session) => void session.stream.end(Buffer.from([0x20, 2, 0])),
    });
    expect(await run(peer, { mqttVersion })).toMatchObject({
      kind: "broken",
      cause: "GATEWAY_PROTOCOL_VIOLATION",
    });
  });

  test.each<[string, readonly number[] | string]>([
    ["PINGRESP first", [0xd0, 0]],
    ["SUBACK first", [0x90, 3, 0, 1, 0]],
    ["PUBLISH first", [0x30, 4, 0, 1, 0x74, 0x78]],
    ["reserved flags of CONNACK set", [0x20, 2, 2, 0]],
    ["reserved header flags set", [0x21, 2, 0, 0]],
    ["an endless length", [0x20, 0xff, 0xff, 0xff, 0xff]],
    ["a 256 MB CONNACK announced", [0x20, 0xff, 0xff, 0xff, 0x7f]],
    ["HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n"],
    ["TLS in TLS", [0x15, 3, 3, 0, 2, 2, 40]],
  ])("breaks the protocol: %s", async (_name, bytes) => {
    await using peer = await broker({ onConnect: (_packet, session) => session.raw(bytes) });
    expect(await run(peer, { mqttVersion })).toMatchObject({
      kind: "broken",
      cause: "GATEWAY_PROTOCOL_VIOLATION",
    });
  });

  test("when nobody waits any more, DISCONNECT keeps the will from being fired", async () => {
    const disconnected = Promise.withResolvers<Packet>();
    await using peer = await broker({
      onConnect: () => {},
      onPacket: (packet) => disconnected.resolve(packet),
    });
    const outcome = await run(
      peer,
      { mqttVersion, will: { topic: "w", payload: "x", qos: 0 } },
      { timeoutMs: 200 },
    );
    expect(outcome).toMatchObject({ kind: "unreachable", cause: "GATEWAY_TIMEOUT" });
    expect((await disconnected.promise).cmd).toBe("disconnect");
  });

  test("a gateway that does not close after DISCONNECT is accepted all the same", async () => {
    const sessions: MqttPeerSession[] = [];
    await using peer = await broker({
      onConnect: (_packet, session) => {
        sessions.push(session);
        session.raw(connack(mqttVersion, 0));
      },
    });
    expect(await run(peer, { mqttVersion }, { timeoutMs: 300 })).toMatchObject({ kind: "accepted" });
  });
});

describe("MQTT 5", () => {
  const reason = `password ${PASSWORD} (${Buffer.from(PASSWORD).toString("base64")})\u001b[31m is wrong`;

  test("the reason string is kept, without secrets and control characters", async () => {
    await using peer = await broker({
      onConnect: (_packet, session) =>
        session.send({
          cmd: "connack",
          sessionPresent: false,
          reasonCode: 0x86,
          properties: { reasonString: reason },
        }),
    });
    const outcome = await run(peer, { mqttVersion: 5 });
    expect(outcome).toMatchObject({ kind: "refused", code: 0x86 });
    const shown = JSON.stringify(outcome);
    expect(shown).toContain("is wrong");
    expect(shown).toContain("<secret>");
    expect(shown).not.toContain(PASSWORD);
    expect(shown).not.toContain(Buffer.from(PASSWORD).toString("base64").replace(/=+$/, ""));
    expect(shown).not.toContain("\\u001b");
  });

  test.each([
    ["before CONNACK", (session: MqttPeerSession) => session.send({ cmd: "disconnect", reasonCode: 0x8e })],
    [
      "after CONNACK",
      (session: MqttPeerSession) => {
        session.raw(connack(5, 0));
        session.send({ cmd: "disconnect", reasonCode: 0x8e });
      },
    ],
  ])("a session taken over %s is no verdict on the device", async (_name, answer) => {
    await using peer = await broker({
      onConnect: (_packet, session) => answer(session),
      onPacket: (_packet, session) => void session.stream.end(),
    });
    expect(await run(peer, { mqttVersion: 5 })).toMatchObject({
      kind: "broken",
      cause: "SESSION_TAKEN_OVER",
      code: 0x8e,
    });
  });

  test("another DISCONNECT before CONNACK is a protocol violation", async () => {
    await using peer = await broker({
      onConnect: (_packet, session) => session.send({ cmd: "disconnect", reasonCode: 0x87 }),
    });
    expect(await run(peer, { mqttVersion: 5 })).toMatchObject({
      kind: "broken",
      cause: "GATEWAY_PROTOCOL_VIOLATION",
    });
  });

  test("a 3.1.1 CONNACK, as an old broker answers version 5, is a refusal", async () => {
    await using peer = await broker({ onConnect: (_packet, session) => session.raw([0x20, 2, 0, 1]) });
    expect(await run(peer, { mqttVersion: 5 })).toMatchObject({ kind: "refused", how: "code", code: 1 });
  });
});

test("without a broker behind the ALPN, an HTTP answer says so", async () => {
  await using peer = await tlsPeer(pki.good, (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const outcome = await probe(inputOf(targetOf(pki, peer.port), wireOf("mqtt", { alpn: ["mqtt"] }, CONNECT)));
  expect(outcome).toMatchObject({
    kind: "broken",
    reason: expect.stringContaining("HTTP"),
    transport: { tls: { alpn: null } },
  });
});
