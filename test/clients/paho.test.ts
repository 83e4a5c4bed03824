import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PYTHON, runForeign } from "./foreign.ts";
import { startWorld, type World } from "./world.ts";

/** Eclipse paho for Python against the gateway: what the broker does, seen by a codec that is not ours. */

const SCRIPT = new URL("paho-scenarios.py", import.meta.url).pathname;

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

interface Setting {
  readonly version: 4 | 5;
  readonly transport: "tcp" | "websockets";
}

async function paho(scenario: string, setting: Setting): Promise<unknown> {
  const { port, caFile } = world.emulator;
  const input = JSON.stringify({ scenario, ...setting, host: "localhost", port, caFile });
  const { code, stdout, stderr } = await runForeign(PYTHON, [SCRIPT], { input });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}

const TCP: readonly Setting[] = [
  { version: 4, transport: "tcp" },
  { version: 5, transport: "tcp" },
];
const EVERY_WAY: readonly Setting[] = TCP.flatMap((setting) => [
  setting,
  { ...setting, transport: "websockets" },
]);
const FIVE: Setting = { version: 5, transport: "tcp" };

describe.each(EVERY_WAY)("paho, MQTT version $version, $transport", (setting) => {
  const isFive = setting.version === 5;

  test("publishes, subscribes and receives with QoS 0 and 1", async () => {
    expect(await paho("round_trip", setting)).toEqual({
      granted: [1, 1],
      messages: [
        ["round/a", "hello", 0, false],
        ["trip/b/c", "hello", 1, false],
      ],
    });
  });

  test("is let in or refused by its credentials and its policy", async () => {
    const denied = isFive ? 135 : 5;
    expect(await paho("credentials", setting)).toEqual({
      right: 0,
      "wrong password": denied,
      "no user name": denied,
      "unknown authorizer": isFive ? 135 : "closed",
      "throwing authorizer": isFive ? 128 : "closed",
      "policy for another client": denied,
      "client id of 129 bytes": isFive ? 133 : "closed",
      "client id that starts with $GEN/": isFive ? 133 : "closed",
    });
  });

  test("is put out when another connection takes its client id", async () => {
    expect(await paho("takeover", setting)).toBe(isFive ? 0x8e : "closed");
  });
});

describe.each(TCP)("paho, MQTT version $version", (setting) => {
  const isFive = setting.version === 5;

  test("needs ALPN mqtt", async () => {
    expect(await paho("alpn", setting)).toEqual({
      None: "closed",
      "x-amzn-mqtt-ca": "closed",
      "http/1.1": "closed",
    });
  });

  test("may show its credentials in the headers of the WebSocket upgrade", async () => {
    expect(await paho("headers", { ...setting, transport: "websockets" })).toEqual({
      right: 0,
      wrong: isFive ? 135 : 5,
    });
  });

  test("gets no more of a filter that it has unsubscribed", async () => {
    expect(await paho("unsubscribed", setting)).toEqual(["kept", "hello", 1, false]);
  });

  test("gets the last retained message, until an empty one ends it", async () => {
    expect(await paho("retained", setting)).toEqual({
      first: ["kept/paho", "new", 1, true],
      "after an empty one": ["kept/live", "live", 1, false],
    });
  });

  test("has its will published when it is lost, not when it leaves", async () => {
    expect(await paho("will", setting)).toEqual(["wills/lost", "gone", 1, false]);
  });

  test("is refused with a will that its policy does not let it publish", async () => {
    expect(await paho("will_denied", setting)).toEqual({ own: 0, other: isFive ? 135 : 5 });
  });

  test("finds its session and the messages of QoS 1 that it missed", async () => {
    expect(await paho("persistent_session", setting)).toEqual({
      present: [false, true],
      message: ["queue/1", "kept", 1, false],
    });
  });

  test("publishes only where its policy lets it", async () => {
    expect(await paho("denied_publish", setting)).toEqual(
      isFive ? { ended: null, message: ["mine/a", "hello", 1, false] } : { ended: "closed" },
    );
  });

  test("subscribes only where its policy lets it", async () => {
    expect(await paho("denied_subscribe", setting)).toEqual(isFive ? [1, 135] : "closed");
  });

  test("gets silently nothing where its policy lacks iot:Receive", async () => {
    expect(await paho("denied_receive", setting)).toEqual({
      granted: [1],
      message: ["all/heard", "hello", 1, false],
    });
  });

  test("has no answer to a publish with QoS 2, or a 0x9B", async () => {
    expect(await paho("qos_2", setting)).toBe(isFive ? 0x9b : null);
  });

  test("is put out beyond AWS's limits, not at them", async () => {
    const ended = (code: number) => (isFive ? code : "closed");
    expect(await paho("limits", setting)).toEqual({
      "topic of 17": ended(0x90),
      "topic of 257": ended(0x90),
      "payload of 128 KB and one byte": ended(0x95),
      "9 filters": ended(0x97),
      "8 filters": [1, 1, 1, 1, 1, 1, 1, 1],
      "payload of 128 KB": null,
      "topic with 7 slashes": null,
    });
  });
});

describe("paho, what only MQTT 5 has", () => {
  test("reads the gateway's limits in the CONNACK", async () => {
    expect(await paho("connack_properties", FIVE)).toMatchObject({
      ReceiveMaximum: 100,
      MaximumQoS: 1,
      MaximumPacketSize: 146 * 1024,
      TopicAliasMaximum: 8,
      ServerKeepAlive: 30,
    });
  });

  test("reads why it is refused", async () => {
    expect(await paho("refusal_reason", FIVE)).toEqual({
      ReasonString: expect.stringMatching(/^CONNACK:.*authorized.*:[0-9a-f-]{36}$/),
    });
  });

  test("is given a client id where it has none", async () => {
    expect(await paho("assigned_client_id", FIVE)).toEqual({
      code: 0,
      id: expect.stringMatching(/^\$GEN\//),
    });
  });

  test("gets a message with the properties it was published with", async () => {
    expect(await paho("message_properties", FIVE)).toMatchObject({
      ContentType: "text/plain",
      ResponseTopic: "props/answer",
      CorrelationData: Buffer.from("42").toString("hex"),
      PayloadFormatIndicator: 1,
      UserProperty: [
        ["a", "1"],
        ["a", "2"],
      ],
    });
  });

  test("may use 8 topic aliases", async () => {
    expect(await paho("topic_alias", FIVE)).toEqual({
      topics: ["aliased/topic", "aliased/topic"],
      "beyond 8": 0x94,
    });
  });

  test("shares a subscription: each message goes to one member", async () => {
    expect(await paho("shared_subscription", FIVE)).toEqual(["0", "1", "2", "3"]);
  });

  test("gets nothing of its own with No Local", async () => {
    expect(await paho("no_local", FIVE)).toBe("echo/other");
  });
});
