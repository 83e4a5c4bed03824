import { Buffer } from "node:buffer";
import { generate, type IPublishPacket, type ISubscribePacket, type Packet } from "mqtt-packet";
import { beforeAll, describe, expect, test } from "vitest";
import { probe } from "../../src/gateway/probers.ts";
import type { ConnectFields } from "../../src/model/context.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { ProbeInput } from "../../src/model/ports.ts";
import type { TopicAnswer, TopicTest } from "../../src/model/proof.ts";
import { inputOf, PASSWORD, targetOf, wireOf } from "../support/gateway-input.ts";
import { type MqttPeerSession, type Peer, reset, serveMqtt, tlsPeer } from "../support/gateway-peers.ts";
import { makePki, type Pki } from "../support/gateway-pki.ts";

let pki: Pki;
beforeAll(() => {
  pki = makePki();
});

const SUBSCRIBE: TopicTest = { action: "subscribe", topic: "smoke/+", expected: "allow" };
const PUBLISH: TopicTest = { action: "publish", topic: "smoke/1", expected: "allow" };
const RECEIVE: TopicTest = { action: "receive", topic: "smoke/1", expected: "allow" };

/** What the gateway does about one packet of the device's; null: as a good broker would. */
type Script = (packet: Packet, session: MqttPeerSession, device: Device) => true | undefined;

interface Device {
  readonly version: 4 | 5;
  readonly seen: Packet[];
  readonly filters: Set<string>;
  sessionPresent: boolean;
}

/** A broker that grants everything and delivers to its only client, but for what the script does differently. */
async function broker(version: 4 | 5, script: Script = () => undefined, sessionPresent = false) {
  const device: Device = { version, seen: [], filters: new Set(), sessionPresent };
  const peer = await tlsPeer(
    pki.good,
    (socket) =>
      serveMqtt(socket, {
        onConnect: (_packet, session) => session.send(connack(device)),
        onPacket: (packet, session) => {
          device.seen.push(packet);
          if (script(packet, session, device) === undefined) behave(packet, session, device);
        },
      }),
    { ALPNProtocols: ["mqtt"] },
  );
  return { peer, device, [Symbol.asyncDispose]: () => peer[Symbol.asyncDispose]() };
}

function connack({ version, sessionPresent }: Pick<Device, "version" | "sessionPresent">): Packet {
  return version === 4
    ? { cmd: "connack", sessionPresent, returnCode: 0 }
    : { cmd: "connack", sessionPresent, reasonCode: 0 };
}

function behave(packet: Packet, session: MqttPeerSession, device: Device): void {
  const messageId = packet.messageId ?? 0;
  switch (packet.cmd) {
    case "subscribe":
      for (const { topic } of packet.subscriptions) device.filters.add(topic);
      session.send({ cmd: "suback", messageId, granted: [0] });
      break;
    case "unsubscribe":
      for (const topic of packet.unsubscriptions) device.filters.delete(topic);
      session.send({ cmd: "unsuback", messageId, granted: [0] });
      break;
    case "publish":
      session.send({ cmd: "puback", messageId, reasonCode: 0 });
      if (device.filters.size > 0) session.send({ ...packet, qos: 0 });
      break;
    case "disconnect":
      session.stream.end();
      break;
    default:
      break;
  }
}

const run = (
  peer: Peer,
  topics: readonly TopicTest[],
  connect: Partial<ConnectFields> = {},
  overrides: Partial<ProbeInput> = {},
): Promise<Outcome> =>
  probe(
    inputOf(targetOf(pki, peer.port), wireOf("mqtt", { alpn: ["mqtt"] }, connect), { topics, ...overrides }),
  );

function answersOf(outcome: Outcome): readonly TopicAnswer[] {
  if (outcome.kind !== "accepted") throw new Error(JSON.stringify(outcome));
  return outcome.topics;
}

const short = (outcome: Outcome) =>
  answersOf(outcome).map(({ test: { action }, answer, evidence }) => `${action} ${answer}: ${evidence}`);

const names = ({ seen }: Device) => seen.map(({ cmd }) => cmd);

describe.each([4, 5] as const)("MQTT version %d", (version) => {
  const connect = { mqttVersion: version };

  test("subscribe, publish and receive, one after the other, each of the first with its phase", async () => {
    await using gateway = await broker(version);
    const outcome = await run(gateway.peer, [SUBSCRIBE, PUBLISH, RECEIVE], connect);
    expect(short(outcome)).toEqual([
      "subscribe allowed: SUBACK 0",
      "publish allowed: PUBACK 0",
      "receive allowed: delivered",
    ]);
    if (outcome.kind !== "accepted") throw new Error(outcome.kind);
    const { phasesMs, durationMs, packets } = outcome.transport;
    expect(Object.keys(phasesMs)).toEqual(["dns", "tcp", "tls", "connack", "suback", "puback", "roundtrip"]);
    expect(Object.values(phasesMs).reduce((sum, each) => sum + each, 0)).toBeCloseTo(durationMs, 6);
    const puback = version === 4 ? "< PUBACK" : "< PUBACK 0";
    expect(packets.slice(0, 8)).toEqual([
      "> CONNECT",
      "< CONNACK 0",
      "> SUBSCRIBE",
      "< SUBACK 0",
      "> UNSUBSCRIBE",
      "> PUBLISH",
      "< UNSUBACK",
      puback,
    ]);
    expect(packets).toContain("< PUBLISH");
    expect(packets).toContain("> DISCONNECT");
  });

  test("publishes a fixed marker, never retained, and the message that has to come back with its own mark", async () => {
    await using gateway = await broker(version);
    await run(gateway.peer, [PUBLISH, RECEIVE, RECEIVE], connect);
    const published = gateway.device.seen.filter((each): each is IPublishPacket => each.cmd === "publish");
    expect(published.map(({ topic, qos, retain }) => ({ topic, qos, retain }))).toEqual(
      published.map(() => ({ topic: "smoke/1", qos: 1, retain: false })),
    );
    const payloads = published.map(({ payload }) => payload.toString());
    expect(payloads[0]).toBe("fleet-smoke probe");
    expect(payloads.slice(1).every((each) => /^fleet-smoke probe [0-9a-f-]{36}$/.test(each))).toBe(true);
    expect(new Set(payloads).size).toBe(3);
  });

  test("leaves no subscription behind, whatever becomes of the session", async () => {
    await using gateway = await broker(version);
    const persistent = { ...connect, cleanSession: false, sessionExpirySeconds: 3600 };
    await run(gateway.peer, [SUBSCRIBE, RECEIVE, { ...RECEIVE, filter: "smoke/#" }], persistent);
    expect([...gateway.device.filters]).toEqual([]);
    const filters = gateway.device.seen
      .filter((each): each is ISubscribePacket => each.cmd === "subscribe")
      .map(({ subscriptions }) => subscriptions.map(({ topic, qos }) => [topic, qos]));
    expect(filters).toEqual([[["smoke/+", 0]], [["smoke/1", 0]], [["smoke/#", 0]]]);
  });

  test("a subscription that is not granted is denied, and the next topic is tried", async () => {
    const code = version === 4 ? 0x80 : 0x87;
    await using gateway = await broker(version, (packet, session) => {
      if (packet.cmd !== "subscribe") return undefined;
      session.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [code] });
      return true;
    });
    const shown = version === 4 ? "0x80" : "0x87";
    expect(short(await run(gateway.peer, [SUBSCRIBE, RECEIVE, PUBLISH], connect))).toEqual([
      `subscribe denied: SUBACK ${shown}`,
      `receive denied: SUBACK ${shown}`,
      "publish allowed: PUBACK 0",
    ]);
  });

  test.each([
    ["SUBSCRIBE", SUBSCRIBE, "subscribe"],
    ["PUBLISH", PUBLISH, "publish"],
  ] as const)(
    "a gateway that closes after %s denies it by that, and settles nothing else",
    async (sent, first, cmd) => {
      await using gateway = await broker(version, (packet, session) => {
        if (packet.cmd !== cmd) return undefined;
        session.stream.end();
        return true;
      });
      const answers = answersOf(await run(gateway.peer, [first, RECEIVE], connect));
      expect(answers).toEqual([
        { test: first, answer: "denied", evidence: `closed after ${sent}`, closed: true },
      ]);
    },
  );

  test("a close after a refusal may belong to the refusal: the test it interrupts stays open", async () => {
    await using gateway = await broker(version, (packet, session, { seen }) => {
      if (packet.cmd !== "subscribe") return undefined;
      const isFirst = seen.filter(({ cmd }) => cmd === "subscribe").length === 1;
      if (isFirst) session.send({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [0x80] });
      else session.stream.end();
      return true;
    });
    expect(short(await run(gateway.peer, [SUBSCRIBE, { ...SUBSCRIBE }], connect))).toEqual([
      "subscribe denied: SUBACK 0x80",
    ]);
  });

  test("a reset is no denial", async () => {
    const gateway = await broker(version, (packet) => {
      if (packet.cmd !== "subscribe") return undefined;
      reset(gateway.peer);
      return true;
    });
    await using _ = gateway;
    expect(short(await run(gateway.peer, [SUBSCRIBE], connect))).toEqual([
      "subscribe unanswered: the connection failed after SUBSCRIBE",
    ]);
  });

  test("silence is no answer, and the next topic is tried", async () => {
    await using gateway = await broker(version, (packet) => (packet.cmd === "publish" ? true : undefined));
    const outcome = await run(gateway.peer, [PUBLISH, RECEIVE, SUBSCRIBE], {
      ...connect,
      keepAliveSeconds: 1,
    });
    expect(short(outcome)).toEqual([
      "publish unanswered: no PUBACK within 1000 ms",
      "receive unanswered: no PUBACK within 1000 ms; to receive needs a publish that succeeds",
      "subscribe allowed: SUBACK 0",
    ]);
  });

  test("when the probe's time is up the device is in all the same, and what is left is unanswered", async () => {
    await using gateway = await broker(version, (packet) => (packet.cmd === "subscribe" ? true : undefined));
    expect(short(await run(gateway.peer, [SUBSCRIBE, PUBLISH], connect, { timeoutMs: 300 }))).toEqual([
      "subscribe unanswered: no answer to SUBSCRIBE within 300 ms",
      "publish unanswered: not tried: the connection's 300 ms were over",
    ]);
  });

  test("a subscription is taken back when the time is up in the middle, and DISCONNECT sent", async () => {
    await using gateway = await broker(version, (packet) => (packet.cmd === "publish" ? true : undefined));
    await run(gateway.peer, [RECEIVE], { ...connect, cleanSession: false }, { timeoutMs: 300 });
    await expect.poll(() => names(gateway.device)).toContain("disconnect");
    expect(names(gateway.device)).toEqual(["subscribe", "publish", "unsubscribe", "disconnect"]);
  });

  test("what MQTT forbids after CONNACK ends the session in order: nothing stays, no will is fired", async () => {
    await using gateway = await broker(version, (packet, session, device) => {
      if (packet.cmd !== "publish") return undefined;
      session.send(connack(device));
      return true;
    });
    const outcome = await run(gateway.peer, [RECEIVE], { ...connect, cleanSession: false });
    expect(short(outcome)).toEqual([
      expect.stringMatching(/^receive unanswered: after PUBLISH: .*duplicate CONNACK.*; to receive needs/),
    ]);
    expect(names(gateway.device)).toEqual(["subscribe", "publish", "unsubscribe", "disconnect"]);
  });

  test("what cannot be parsed in one piece with CONNACK does not undo that the device got in", async () => {
    const bytes = [
      ...generate(connack({ version, sessionPresent: false }), { protocolVersion: version }),
      0xf1,
      0,
    ];
    await using peer = await tlsPeer(
      pki.good,
      (socket) => serveMqtt(socket, { onConnect: (_packet, session) => session.raw(bytes) }),
      { ALPNProtocols: ["mqtt"] },
    );
    expect(await run(peer, [PUBLISH], connect, { timeoutMs: 500 })).toMatchObject({
      kind: "accepted",
      topics: [],
    });
  });

  test("a message that does not come although it was taken is not received", async () => {
    await using gateway = await broker(version, (packet, session) => {
      if (packet.cmd !== "publish") return undefined;
      session.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
      return true;
    });
    expect(short(await run(gateway.peer, [RECEIVE], connect))).toEqual([
      "receive denied: not delivered within 1000 ms, sent 2 times",
    ]);
  });

  test("somebody else's message is neither taken for ours nor acknowledged, whatever its QoS", async () => {
    const sent: IPublishPacket[] = [];
    await using gateway = await broker(version, (packet, session) => {
      if (packet.cmd !== "publish") return undefined;
      for (const qos of [0, 1, 2] as const) {
        for (const payload of ["fleet-smoke probe", "fleet-smoke probe 0", "on"]) {
          const message = { cmd: "publish", topic: "smoke/1", payload, dup: false, retain: false } as const;
          session.send({ ...message, qos, ...(qos === 0 ? {} : { messageId: 40 + qos }) });
        }
      }
      // Our own text on another topic is not ours either.
      sent.push(packet);
      session.send({ ...packet, topic: "smoke/2", messageId: 50 });
      session.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
      session.send({ cmd: "pubrel", messageId: 42 });
      return true;
    });
    expect(short(await run(gateway.peer, [RECEIVE], connect))).toEqual([
      "receive denied: not delivered within 1000 ms, sent 2 times",
    ]);
    expect(sent).toHaveLength(2);
    expect(names(gateway.device)).toEqual(["subscribe", "publish", "publish", "unsubscribe", "disconnect"]);
  });

  test("its own message with QoS 2 is taken for delivered, and not acknowledged either", async () => {
    await using gateway = await broker(version, (packet, session) => {
      if (packet.cmd !== "publish") return undefined;
      session.send({ ...packet, qos: 2, messageId: 78 });
      session.send({ cmd: "pubrel", messageId: 78 });
      session.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
      return true;
    });
    expect(short(await run(gateway.peer, [RECEIVE], connect))).toEqual(["receive allowed: delivered"]);
    expect(names(gateway.device)).toEqual(["subscribe", "publish", "unsubscribe", "disconnect"]);
  });

  test("an answer of QoS 2 to its own message is not answered", async () => {
    await using gateway = await broker(version, (packet, session) => {
      if (packet.cmd !== "publish") return undefined;
      const messageId = packet.messageId ?? 0;
      session.send({ cmd: "pubrec", messageId });
      session.send({ cmd: "pubrec", messageId });
      session.send({ cmd: "pubrel", messageId });
      session.send({ cmd: "puback", messageId, reasonCode: 0 });
      return true;
    });
    expect(short(await run(gateway.peer, [PUBLISH], connect))).toEqual(["publish allowed: PUBACK 0"]);
    expect(names(gateway.device)).toEqual(["publish", "disconnect"]);
  });

  test("its own message is acknowledged where the gateway asks for it, before the PUBACK too", async () => {
    await using gateway = await broker(version, (packet, session) => {
      if (packet.cmd !== "publish") return undefined;
      session.send({ ...packet, qos: 1, messageId: 77 });
      session.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode: 0 });
      return true;
    });
    expect(short(await run(gateway.peer, [RECEIVE], connect))).toEqual(["receive allowed: delivered"]);
    const pubacks = gateway.device.seen.filter(({ cmd }) => cmd === "puback");
    expect(pubacks.map(({ messageId }) => messageId)).toEqual([77]);
  });

  test("a session that is present is left at once where that is asked for, and tried otherwise", async () => {
    await using gateway = await broker(version, undefined, true);
    const persistent = { ...connect, cleanSession: false, sessionExpirySeconds: 60 };
    const left = await run(gateway.peer, [PUBLISH], persistent, { leaveIfSessionPresent: true });
    expect(left).toMatchObject({ kind: "accepted", sessionPresent: true, topics: [] });
    expect(names(gateway.device)).toEqual(["disconnect"]);
    const stayed = await run(gateway.peer, [PUBLISH], persistent);
    expect(stayed).toMatchObject({ kind: "accepted", sessionPresent: true });
    expect(answersOf(stayed)).toHaveLength(1);
  });

  test("an aborted attempt is interrupted, whatever was settled by then", async () => {
    const caller = new AbortController();
    await using gateway = await broker(version, (packet) => {
      if (packet.cmd !== "publish") return undefined;
      caller.abort();
      return true;
    });
    expect(await run(gateway.peer, [SUBSCRIBE, PUBLISH], connect, { signal: caller.signal })).toMatchObject({
      kind: "broken",
      cause: "INTERRUPTED",
    });
  });

  test("what cannot be parsed after CONNACK does not undo that the device got in", async () => {
    await using gateway = await broker(version, (packet, session) => {
      if (packet.cmd !== "subscribe") return undefined;
      session.raw([0xf1, 0xff, 0xff, 0xff, 0xff]);
      return true;
    });
    const [answer] = answersOf(await run(gateway.peer, [SUBSCRIBE], connect));
    expect(answer).toMatchObject({
      answer: "unanswered",
      evidence: expect.stringMatching(/^after SUBSCRIBE: /),
    });
  });

  test("a flood of messages ends the connection, not the verdict", async () => {
    await using gateway = await broker(version, (packet, session) => {
      if (packet.cmd !== "subscribe") return undefined;
      const message = { cmd: "publish", topic: "smoke/9", qos: 0, dup: false, retain: false } as const;
      for (let sent = 0; sent < 8; sent += 1) session.send({ ...message, payload: Buffer.alloc(60_000) });
      return true;
    });
    const [answer] = answersOf(await run(gateway.peer, [SUBSCRIBE], connect));
    expect(answer).toMatchObject({ answer: "unanswered", evidence: expect.stringContaining("bytes") });
  });

  test("keeps the first forty packets", async () => {
    await using gateway = await broker(version);
    const outcome = await run(
      gateway.peer,
      Array.from({ length: 30 }, () => PUBLISH),
      connect,
    );
    if (outcome.kind !== "accepted") throw new Error(outcome.kind);
    expect(outcome.transport.packets).toHaveLength(40);
    expect(JSON.stringify(outcome.transport.packets)).not.toContain("smoke");
  });
});

describe("MQTT 5", () => {
  const connect = { mqttVersion: 5 } as const;

  test.each([
    [0x10, "allowed"],
    [0x80, "denied"],
    [0x83, "denied"],
    [0x87, "denied"],
    [0x90, "denied"],
    [0x91, "unanswered"],
    [0x97, "unanswered"],
    [0x99, "denied"],
  ] as const)("PUBACK 0x%x is %s", async (reasonCode, answer) => {
    await using gateway = await broker(5, (packet, session) => {
      if (packet.cmd !== "publish") return undefined;
      session.send({ cmd: "puback", messageId: packet.messageId ?? 0, reasonCode });
      return true;
    });
    const evidence = `PUBACK 0x${reasonCode.toString(16)}`;
    expect(short(await run(gateway.peer, [PUBLISH], connect))).toEqual([`publish ${answer}: ${evidence}`]);
    // Without a message nothing can come back: that says nothing about receiving.
    if (answer === "allowed") return;
    expect(short(await run(gateway.peer, [RECEIVE], connect))).toEqual([
      `receive unanswered: ${evidence}; to receive needs a publish that succeeds`,
    ]);
  });

  test.each([
    [0x80, "denied"],
    [0x83, "denied"],
    [0x87, "denied"],
    [0x89, "unanswered"],
    [0x8b, "unanswered"],
    [0x90, "denied"],
    [0x97, "unanswered"],
    [0x98, "unanswered"],
    [0x9d, "unanswered"],
  ] as const)(
    "DISCONNECT 0x%x in place of an answer is %s, and its code is told",
    async (reasonCode, answer) => {
      await using gateway = await broker(5, (packet, session) => {
        if (packet.cmd !== "publish") return undefined;
        const reasonString = `no, ${PASSWORD}`;
        session.send({ cmd: "disconnect", reasonCode, properties: { reasonString } });
        session.stream.end();
        return true;
      });
      expect(answersOf(await run(gateway.peer, [PUBLISH, SUBSCRIBE], connect))).toEqual([
        {
          test: PUBLISH,
          answer,
          evidence: `DISCONNECT 0x${reasonCode.toString(16)} after PUBLISH: no, <secret>`,
        },
      ]);
    },
  );

  test("a session that is taken over in the middle is no verdict on anything", async () => {
    await using gateway = await broker(5, (packet, session) => {
      if (packet.cmd !== "publish") return undefined;
      session.send({ cmd: "disconnect", reasonCode: 0x8e });
      session.stream.end();
      return true;
    });
    expect(await run(gateway.peer, [PUBLISH], connect)).toMatchObject({
      kind: "broken",
      cause: "SESSION_TAKEN_OVER",
    });
  });
});

test.each([
  { action: "publish", topic: "$aws/things/pump-1/jobs/get" },
  { action: "publish", topic: "smoke/+" },
  { action: "publish", topic: "" },
  { action: "receive", topic: "smoke/#" },
  { action: "receive", topic: "smoke/1", filter: "$aws/things/+/jobs/notify" },
  { action: "subscribe", topic: "$aws/things/pump-1/jobs/notify" },
  { action: "subscribe", topic: "smoke/#/1" },
  { action: "receive", topic: "smoke/1", filter: "smoke/1+" },
  { action: "subscribe", topic: "$share/g/$aws/things/pump-1/jobs/notify" },
] as const)("$action $topic is never touched", async (each) => {
  await using gateway = await broker(5);
  const outcome = await run(gateway.peer, [PUBLISH, { ...each, expected: "allow" }]);
  expect(outcome).toMatchObject({ kind: "broken", cause: "PROFILE_INVALID" });
  expect(gateway.peer.connections).toHaveLength(0);
});
