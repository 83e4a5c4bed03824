import { readFileSync } from "node:fs";
import { request } from "node:https";
import { connect, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { effectiveKeepAlive } from "../../src/emulator/gateway/connack.ts";
import {
  admitted,
  arn,
  connackOf,
  connectMqtt,
  ENDPOINT,
  mqttOptions,
  nextMessage,
  policy,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";

const NARROW = admitted(
  policy("iot:Connect", arn("client/${iot:ClientId}")),
  policy(["iot:Publish", "iot:Receive"], arn("topic/mine/*")),
  policy("iot:Subscribe", arn("topicfilter/mine/*")),
);

/** Nobody knows what the key holds. */
const UNDECIDED = {
  Version: "2012-10-17",
  Statement: [
    {
      Effect: "Allow",
      Action: "iot:*",
      Resource: "*",
      Condition: { StringEquals: { "aws:UnheardOf": "x" } },
    },
  ],
};

let emulator: TestEmulator;
beforeAll(async () => {
  emulator = await startTestEmulator({
    authorizers: [
      tableAuthorizer([
        { when: { username: "device", password: "right" }, answer: admitted() },
        { when: { username: "narrow" }, answer: NARROW },
        { when: { username: "foreign" }, answer: admitted(policy("iot:Connect", arn("client/other"))) },
        { when: { username: "undecided" }, answer: admitted(UNDECIDED) },
        { when: { username: "throws" }, error: "boom" },
        { when: { username: "dashed" }, answer: { ...admitted(), principalId: "a-b" } },
        { when: { username: "odd-lifetime" }, answer: { ...admitted(), refreshAfterInSeconds: 5 } },
        { when: { username: "no-boolean" }, answer: { isAuthenticated: "true" } },
        {
          when: { username: "eleven" },
          answer: admitted(...Array.from({ length: 11 }, () => policy("iot:*", "*"))),
        },
        { when: { username: "long" }, answer: admitted(policy("iot:*", "x".repeat(2048))) },
      ]),
      tableAuthorizer([], { name: "asleep", status: "INACTIVE" }),
      tableAuthorizer([], { name: "ungranted", invokePermission: "missing" }),
    ],
  });
});
afterAll(() => emulator.stop());

let lastId = 0;
async function open(options: Parameters<typeof connectMqtt>[1] = {}): Promise<MqttClient> {
  lastId += 1;
  const client = await connectMqtt(emulator, { clientId: `client-${lastId}`, ...options });
  onTestFinished(() => client.endAsync(true));
  return client;
}

function closed(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once("close", () => resolve()));
}

describe.each([4, 5] as const)("MQTT version %i", (protocolVersion) => {
  const code = protocolVersion === 4 ? 5 : 135;

  test("a message goes from publisher to subscriber", async () => {
    const client = await open({ protocolVersion });
    const got = nextMessage(client);
    await client.subscribeAsync("a/+", { qos: 1 });
    await client.publishAsync("a/b", "hello", { qos: 1 });
    expect(await got).toMatchObject({ topic: "a/b", payload: "hello" });
    await client.unsubscribeAsync("a/+");
  });

  test.each([
    ["a wrong password", { password: "wrong" }, code],
    ["an authorizer that throws", { username: "throws" }, protocolVersion === 4 ? "closed" : 128],
    ["a principal id with a dash", { username: "dashed" }, protocolVersion === 4 ? "closed" : 128],
    ["a lifetime out of range", { username: "odd-lifetime" }, protocolVersion === 4 ? "closed" : 128],
    [
      "an isAuthenticated that is no boolean",
      { username: "no-boolean" },
      protocolVersion === 4 ? "closed" : 128,
    ],
    ["more than ten documents", { username: "eleven" }, protocolVersion === 4 ? "closed" : 128],
    ["a document over 2048 characters", { username: "long" }, protocolVersion === 4 ? "closed" : 128],
    ["an unknown authorizer", named("nobody"), protocolVersion === 4 ? "closed" : code],
    ["an inactive authorizer", named("asleep"), protocolVersion === 4 ? "closed" : code],
    ["a function IoT may not invoke", named("ungranted"), protocolVersion === 4 ? "closed" : 128],
    ["a policy for another client id", { username: "foreign" }, code],
    ["a policy that cannot be decided", { username: "undecided" }, code],
    ["a client id over 128 bytes", { clientId: "ä".repeat(65) }, protocolVersion === 4 ? "closed" : 133],
    ["a client id of the gateway's own", { clientId: "$GEN/1" }, protocolVersion === 4 ? "closed" : 133],
    ["a will that may not be published", willOn("theirs/a"), code],
  ])("refuses %s", async (_what, options, expected) => {
    expect(await connackOf(emulator, { protocolVersion, clientId: "refused", ...options })).toBe(expected);
  });

  test("lets a client id of 128 bytes and a permitted will in", async () => {
    expect(await connackOf(emulator, { protocolVersion, clientId: "x".repeat(128) })).toBe(0);
    expect(await connackOf(emulator, { protocolVersion, ...willOn("mine/a") })).toBe(0);
  });

  test("a second connection with the client id takes the first one over", async () => {
    const first = await open({ protocolVersion, clientId: `twin-${protocolVersion}` });
    const codes: (number | undefined)[] = [];
    first.on("disconnect", ({ reasonCode }) => codes.push(reasonCode));
    const gone = closed(first);
    await open({ protocolVersion, clientId: `twin-${protocolVersion}` });
    await gone;
    expect(codes).toEqual(protocolVersion === 5 ? [0x8e] : []);
  });

  test("a message is delivered only where iot:Receive allows it", async () => {
    const narrow = await open({ protocolVersion, username: "narrow" });
    const wide = await open({ protocolVersion });
    const got = nextMessage(narrow);
    await narrow.subscribeAsync("mine/#");
    // `mine` itself is covered by the filter, but not by the policy's topic/mine/*.
    await wide.publishAsync("mine", "kept back", { qos: 1 });
    await wide.publishAsync("mine/a", "delivered", { qos: 1 });
    expect(await got).toMatchObject({ payload: "delivered" });
  });

  test("a new subscription gets the retained message", async () => {
    const client = await open({ protocolVersion });
    const topic = `kept/${protocolVersion}`;
    await client.publishAsync(topic, "old", { qos: 1, retain: true });
    const got = nextMessage(client);
    await client.subscribeAsync("kept/#");
    expect(await got).toEqual({ topic, payload: "old", retain: true });
    await client.publishAsync(topic, "", { qos: 1, retain: true });
  });

  test("the will is published when the connection breaks, not when the client leaves", async () => {
    const watcher = await open({ protocolVersion });
    await watcher.subscribeAsync("mine/will");
    const will = { topic: "mine/will", payload: Buffer.from("leaving"), qos: 1 as const, retain: false };
    const leaver = await open({ protocolVersion, will });
    await leaver.endAsync();
    const got = nextMessage(watcher);
    const broken = await open({ protocolVersion, will: { ...will, payload: Buffer.from("broken") } });
    broken.stream.destroy();
    expect(await got).toMatchObject({ payload: "broken" });
  });

  test("a retained will is kept for those who come later, where iot:RetainPublish allows it", async () => {
    const topic = `mine/kept-${protocolVersion}`;
    const will = { topic, payload: Buffer.from("gone"), qos: 1 as const, retain: true };
    expect(await connackOf(emulator, { protocolVersion, username: "narrow", will })).toBe(code);
    const watcher = await open({ protocolVersion });
    await watcher.subscribeAsync(topic);
    const fresh = nextMessage(watcher);
    const broken = await open({ protocolVersion, will });
    broken.stream.destroy();
    expect(await fresh).toEqual({ topic, payload: "gone", retain: false });
    const late = await open({ protocolVersion });
    const kept = nextMessage(late);
    await late.subscribeAsync(topic);
    expect(await kept).toEqual({ topic, payload: "gone", retain: true });
    await late.publishAsync(topic, "", { qos: 1, retain: true });
  });

  test("a message that is not acknowledged comes again", async () => {
    const clientId = `forgetful-${protocolVersion}`;
    const persistent = {
      ...{ protocolVersion, clientId, clean: false },
      ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 60 } }),
    };
    const before = await open(persistent);
    await before.subscribeAsync(clientId, { qos: 1 });
    // Its acknowledgement never leaves.
    before.handleMessage = () => {};
    const seen = new Promise<void>((resolve) =>
      before.on("packetreceive", ({ cmd }) => cmd === "publish" && resolve()),
    );
    const publisher = await open({ protocolVersion });
    await publisher.publishAsync(clientId, "once more", { qos: 1 });
    await seen;
    before.stream.destroy();
    const after = await connectMqttPaused(persistent);
    expect(await after.message).toMatchObject({ payload: "once more" });
  });

  test("a persistent session keeps subscriptions and messages for an absent client", async () => {
    const clientId = `absent-${protocolVersion}`;
    const persistent = {
      protocolVersion,
      clientId,
      clean: false,
      ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 60 } }),
    };
    const before = await open(persistent);
    await before.subscribeAsync("queue/a", { qos: 1 });
    await before.endAsync();
    const publisher = await open({ protocolVersion });
    await publisher.publishAsync("queue/a", "while away", { qos: 1 });

    const after = await connectMqttPaused(persistent);
    expect(await after.message).toMatchObject({ payload: "while away" });
    expect(after.sessionPresent).toBe(true);
  });
});

describe("what the policies do not allow", () => {
  test("MQTT 3.1.1: a denied publish ends the connection", async () => {
    const client = await open({ protocolVersion: 4, username: "narrow" });
    const gone = closed(client);
    client.publish("theirs/a", "x", { qos: 0 });
    await gone;
  });

  test("MQTT 3.1.1: a denied subscribe ends the connection", async () => {
    const client = await open({ protocolVersion: 4, username: "narrow" });
    const gone = closed(client);
    client.subscribe("theirs/a");
    await gone;
  });

  test("MQTT 5: denied publish and subscribe are answered with 0x87 and the session goes on", async () => {
    const client = await open({ protocolVersion: 5, username: "narrow" });
    await expect(client.publishAsync("theirs/a", "x", { qos: 1 })).rejects.toMatchObject({ code: 0x87 });
    await expect(client.subscribeAsync(["theirs/a", "mine/a"])).rejects.toMatchObject({
      packet: { granted: [0x87, 0] },
    });
    await client.publishAsync("mine/a", "x", { qos: 1 });
  });
});

describe("limits", () => {
  test.each([
    [0, 1200],
    [1, 30],
    [29, 30],
    [30, 30],
    [1200, 1200],
    [1201, 1200],
    [65_535, 1200],
  ])("a keep-alive of %i s counts as %i", (asked, expected) => {
    expect(effectiveKeepAlive(asked)).toBe(expected);
  });

  test.each(["in", "out"])(
    "of more than 100 publishes a second %s, those beyond are dropped",
    async (way) => {
      const publishers = way === "in" ? 1 : 3;
      const subscriber = await open({ protocolVersion: 4 });
      const last = await open({ protocolVersion: 4 });
      let received = 0;
      subscriber.on("message", () => {
        received += 1;
      });
      await subscriber.subscribeAsync("rate");
      await Promise.all(
        Array.from({ length: publishers }, async () => {
          const client = await open({ protocolVersion: 4 });
          for (let count = 0; count < 300 / publishers; count++) client.publish("rate", "x");
          await client.endAsync();
        }),
      );
      // What was on its way has arrived when a later exchange is over.
      await last.publishAsync("elsewhere", "", { qos: 1 });
      await subscriber.subscribeAsync("elsewhere");
      expect(received).toBeGreaterThanOrEqual(100);
      expect(received).toBeLessThan(300);
    },
  );

  test.each([
    ["puback", 0x97],
    ["nothing", null],
  ])("MQTT 5, excessPublish5 %s", async (excessPublish5, expected) => {
    const strict = await startTestEmulator({
      ...{ behaviours: { excessPublish5 }, quotas: { publishesPerSecondPerConnection: 0.001 } },
    });
    onTestFinished(() => strict.stop());
    const client = await connectMqtt(strict, { protocolVersion: 5 });
    onTestFinished(() => client.endAsync(true));
    const codes: (number | undefined)[] = [];
    client.on("packetreceive", (packet) => {
      if (packet.cmd === "puback") codes.push(packet.reasonCode);
    });
    await client.publishAsync("a", "1", { qos: 1 });
    client.publish("a", "2", { qos: 1 }, () => {});
    await client.subscribeAsync("b");
    expect(codes).toEqual(expected === null ? [0] : [0, expected]);
  });

  describe("beyond 512 KB a second", () => {
    async function slow(bytesPerSecondPerConnection: number): Promise<TestEmulator> {
      const authorizers = [tableAuthorizer([{ answer: admitted() }])];
      const started = await startTestEmulator({ authorizers, quotas: { bytesPerSecondPerConnection } });
      onTestFinished(() => started.stop());
      return started;
    }

    async function join(at: TestEmulator, clientId: string): Promise<MqttClient> {
      const client = await connectMqtt(at, { clientId });
      onTestFinished(() => client.endAsync(true));
      return client;
    }

    test("what a client sends is read later", async () => {
      // What comes after the CONNECT waits for hours.
      const at = await slow(0.001);
      const client = await join(at, "slow");
      const answers: string[] = [];
      client.on("packetreceive", ({ cmd }) => answers.push(cmd));
      client.subscribe("a", () => {});
      await join(at, "other");
      expect([answers, client.connected]).toEqual([[], true]);
    });

    test("what is sent to it comes later, and holds up no answer", async () => {
      const at = await slow(200);
      const client = await join(at, "slow");
      const sizes: number[] = [];
      client.on("message", (_topic, payload) => sizes.push(payload.length));
      await client.subscribeAsync("t");
      await publishOverHttps(at, "t", "x".repeat(100_000));
      await publishOverHttps(at, "t", "late");
      await expect.poll(() => sizes).toEqual([100_000]);
      await client.unsubscribeAsync("t");
      expect([sizes, client.connected]).toEqual([[100_000], true]);
    });
  });

  test("a message larger than an MQTT 5 client takes is not sent to it", async () => {
    const small = await open({ protocolVersion: 5, properties: { maximumPacketSize: 512 } });
    const got = nextMessage(small);
    await small.subscribeAsync("sized", { qos: 1 });
    const publisher = await open({ protocolVersion: 5 });
    await publisher.publishAsync("sized", "x".repeat(600), { qos: 1 });
    await publisher.publishAsync("sized", "fits", { qos: 1 });
    expect(await got).toMatchObject({ payload: "fits" });
  });

  test("no more than 50 subscriptions a connection", async () => {
    const client = await open({ protocolVersion: 5 });
    for (let count = 0; count < 50; count++) await client.subscribeAsync(`many/${count}`);
    await expect(client.subscribeAsync("one/more")).rejects.toMatchObject({ packet: { granted: [0x97] } });
    await client.unsubscribeAsync("many/0");
    await client.subscribeAsync("one/more");
  });

  test("MQTT 3.1.1: QoS 2 is never acknowledged, neither publish nor subscribe", async () => {
    const client = await open({ protocolVersion: 4 });
    const answers: string[] = [];
    client.on("packetreceive", ({ cmd }) => answers.push(cmd));
    client.publish("a", "x", { qos: 2 });
    client.subscribe("a", { qos: 2 });
    await client.subscribeAsync("b", { qos: 1 });
    expect(answers).toEqual(["suback"]);
  });

  test("a subscription identifier ends an MQTT 5 session with 0xA1", async () => {
    const client = await open({ protocolVersion: 5 });
    const reason = new Promise((resolve) => client.on("disconnect", ({ reasonCode }) => resolve(reasonCode)));
    client.on("error", () => {});
    client.subscribe("a", { properties: { subscriptionIdentifier: 7 } }, () => {});
    expect(await reason).toBe(0xa1);
  });

  test("No Local in a shared subscription ends it with 0x82", async () => {
    const client = await open({ protocolVersion: 5 });
    const reason = new Promise((resolve) => client.on("disconnect", ({ reasonCode }) => resolve(reasonCode)));
    client.on("error", () => {});
    client.subscribe("$share/g/a", { qos: 0, nl: true }, () => {});
    expect(await reason).toBe(0x82);
  });

  test("a topic alias stands for its topic", async () => {
    const client = await open({ protocolVersion: 5 });
    await client.subscribeAsync("alias/#");
    const topics: string[] = [];
    const both = new Promise<void>((resolve) => {
      client.on("message", (topic) => {
        topics.push(topic);
        if (topics.length === 2) resolve();
      });
    });
    await client.publishAsync("alias/1", "1", { qos: 1, properties: { topicAlias: 8 } });
    await client.publishAsync("", "2", { qos: 1, properties: { topicAlias: 8 } });
    await both;
    expect(topics).toEqual(["alias/1", "alias/1"]);
  });

  test("QoS 2 ends an MQTT 5 session with 0x9B", async () => {
    const client = await open({ protocolVersion: 5 });
    const reason = new Promise((resolve) => client.on("disconnect", ({ reasonCode }) => resolve(reasonCode)));
    client.on("error", () => {});
    // MQTT.js keeps to the server's maximum QoS: the packet (topic `a`, id 1, no properties) is written past it.
    client.stream.write(Buffer.from([0x34, 6, 0, 1, 0x61, 0, 1, 0]));
    expect(await reason).toBe(0x9b);
  });

  test("CONNACK of MQTT 5 tells the gateway's limits", async () => {
    const client = await connectMqttPaused({ protocolVersion: 5, keepalive: 5, clientId: "" });
    expect(client.properties).toMatchObject({
      receiveMaximum: 100,
      maximumQoS: 1,
      topicAliasMaximum: 8,
      maximumPacketSize: 149_504,
      serverKeepAlive: 30,
      assignedClientIdentifier: expect.stringMatching(/^\$GEN\//),
    });
  });

  test("a payload over 128 KB ends the connection", async () => {
    const client = await open({ protocolVersion: 4 });
    await client.publishAsync("big", Buffer.alloc(128 * 1024), { qos: 1 });
    const gone = closed(client);
    client.publish("big", Buffer.alloc(128 * 1024 + 1));
    await gone;
  });

  test("more than 8 topic filters in one SUBSCRIBE end the connection", async () => {
    const client = await open({ protocolVersion: 4 });
    const gone = closed(client);
    client.subscribe(Array.from({ length: 9 }, (_, index) => `t/${index}`));
    await gone;
  });

  test.each(["a/b/c/d/e/f/g/h/i", "x".repeat(257)])(
    "a topic beyond the limits ends the connection",
    async (topic) => {
      const client = await open({ protocolVersion: 4 });
      const gone = closed(client);
      client.publish(topic, "x");
      await gone;
    },
  );
});

function named(authorizer: string): { username: string } {
  return { username: `device?x-amz-customauthorizer-name=${authorizer}` };
}

async function publishOverHttps({ host, port, caFile }: TestEmulator, topic: string, body: string) {
  const status = await new Promise((resolve, reject) => {
    request({
      ...{ host, port, servername: ENDPOINT, ca: readFileSync(caFile), agent: false },
      ...{ method: "POST", path: `/topics/${topic}?qos=0`, headers: { host: ENDPOINT } },
    })
      .on("response", (response) => {
        response.resume();
        resolve(response.statusCode);
      })
      .on("error", reject)
      .end(body);
  });
  expect(status).toBe(200);
}

function willOn(topic: string): object {
  return { username: "narrow", will: { topic, payload: Buffer.from("bye"), qos: 0, retain: false } };
}

interface Connected {
  readonly sessionPresent: boolean;
  readonly properties: object | undefined;
  readonly message: Promise<{ payload: string }>;
}

/** Connects so that neither CONNACK nor the first message can be missed. */
async function connectMqttPaused(options: object): Promise<Connected> {
  const client = connect({ ...mqttOptions(emulator), ...options });
  onTestFinished(() => client.endAsync(true));
  const message = nextMessage(client);
  return new Promise((resolve) => {
    client.on("connect", ({ sessionPresent, properties }) =>
      resolve({ sessionPresent, properties, message }),
    );
  });
}
