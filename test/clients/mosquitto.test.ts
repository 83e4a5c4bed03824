import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Ended, type Foreign, runForeign, startForeign } from "./foreign.ts";
import {
  SIGNATURE,
  STRANGERS_SIGNATURE,
  signedUsername,
  startWorld,
  usernameFor,
  type World,
} from "./world.ts";

/** mosquitto_pub and mosquitto_sub: libmosquitto, written in C. They end with the CONNACK's code. */

let world: World;
beforeAll(async () => {
  world = await startWorld();
});
afterAll(() => world.end());

const RIGHT = ["-u", "device", "-P", "right"];
const ALPN = ["--tls-alpn", "mqtt"];
/** Its own number for a connection that ended before a CONNACK (MOSQ_ERR_CONN_LOST). */
const CONNECTION_LOST = 7;
/** And for a TLS handshake that failed (MOSQ_ERR_TLS). */
const TLS_FAILED = 8;

let lastId = 0;
function toGateway(options: readonly string[]): string[] {
  lastId += 1;
  const { port, caFile } = world.emulator;
  const id = options.includes("-i") ? [] : ["-i", `mosquitto-${lastId}`];
  return ["-h", "localhost", "-p", String(port), "--cafile", caFile, ...id, ...options];
}

function publish(...options: string[]): Promise<Ended> {
  return runForeign("mosquitto_pub", toGateway(["-t", "any/topic", "-m", "hello", ...options]));
}

/** Subscribes, and prints the first message as `topic payload`, with `1 ` before a retained one. */
function subscriber(topic: string, ...options: string[]): Foreign {
  const args = toGateway(["-t", topic, "-C", "1", "-W", "20", "-F", "%r %t %p", "-d", ...options]);
  // Into a pipe it would speak only at its end.
  return startForeign("stdbuf", ["-oL", "mosquitto_sub", ...args]);
}

async function message(foreign: Foreign): Promise<string | undefined> {
  const { stdout } = await foreign.ended;
  return stdout.split("\n").find((line) => /^[01] /.test(line));
}

describe.each([
  ["3.1.1", "mqttv311", { code: 5, policy: 5, id: CONNECTION_LOST, unknown: CONNECTION_LOST }],
  ["5", "mqttv5", { code: 135, policy: 135, id: 133, unknown: 135 }],
] as const)("mosquitto, MQTT %s", (_version, flag, refusals) => {
  const V = ["-V", flag];

  test.each([0, 1])("a message of QoS %i arrives", async (qos) => {
    const sub = subscriber("any/#", "-q", String(qos), ...V, ...ALPN, ...RIGHT);
    await sub.says("Subscribed");
    expect(await publish("-q", String(qos), ...V, ...ALPN, ...RIGHT)).toMatchObject({ code: 0 });
    expect(await message(sub)).toBe("0 any/topic hello");
  });

  test("a message from the other MQTT version arrives", async () => {
    const other = flag === "mqttv5" ? "mqttv311" : "mqttv5";
    const sub = subscriber("any/#", ...V, ...ALPN, ...RIGHT);
    await sub.says("Subscribed");
    await publish("-V", other, ...ALPN, ...RIGHT);
    expect(await message(sub)).toBe("0 any/topic hello");
  });

  test("a signed token in the user name opens the door", async () => {
    expect(await publish(...V, ...ALPN, "-u", signedUsername(SIGNATURE))).toMatchObject({ code: 0 });
  });

  test.each([
    ["a wrong password", ["-u", "device", "-P", "wrong"], refusals.code],
    ["no credentials", [], refusals.code],
    ["a stranger's signature", ["-u", signedUsername(STRANGERS_SIGNATURE)], refusals.code],
    [
      "a policy that lets another client in",
      ["-u", usernameFor("elsewhere"), "-P", "right"],
      refusals.policy,
    ],
    ["an unknown authorizer", ["-u", usernameFor("nobody"), "-P", "right"], refusals.unknown],
    ["an inactive authorizer", ["-u", usernameFor("asleep"), "-P", "right"], refusals.unknown],
    ["a client id over 128 bytes", ["-i", "x".repeat(129), ...RIGHT], refusals.id],
  ])("refuses %s", async (_what, options, code) => {
    expect(await publish(...V, ...ALPN, ...options)).toMatchObject({ code });
  });

  test("refuses a will that the policy does not let the client publish", async () => {
    const narrow = ["-u", usernameFor("narrow"), "-P", "right", "-t", "mine/a"];
    const will = (topic: string) => publish(...V, ...ALPN, ...narrow, "--will-topic", topic);
    expect(await will("mine/last")).toMatchObject({ code: 0 });
    expect(await will("others/last")).toMatchObject({ code: refusals.policy });
  });

  test("a retained message waits for its subscriber", async () => {
    const topic = `kept/${flag}`;
    await publish("-r", "-q", "1", ...V, ...ALPN, ...RIGHT, "-t", topic);
    expect(await message(subscriber(topic, ...V, ...ALPN, ...RIGHT))).toBe(`1 ${topic} hello`);
  });

  test("a persistent session keeps what came meanwhile", async () => {
    const session = ["-i", `absent-${flag}`, "-c", "-q", "1", ...V, ...ALPN, ...RIGHT];
    const options = toGateway(["-t", "queue/a", "-E", ...session]);
    expect(await runForeign("mosquitto_sub", options)).toMatchObject({ code: 0 });
    await publish("-t", "queue/a", "-q", "1", ...V, ...ALPN, ...RIGHT);
    expect(await message(subscriber("queue/a", ...session))).toBe("0 queue/a hello");
  });

  test.each([
    ["no ALPN", []],
    ["the ALPN of the certificate path", ["--tls-alpn", "x-amzn-mqtt-ca"]],
  ])("gets nowhere with %s", async (_what, alpn) => {
    const { code } = await publish(...V, ...alpn, ...RIGHT);
    expect([CONNECTION_LOST, TLS_FAILED]).toContain(code);
  });
});
