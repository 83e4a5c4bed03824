/** The switches that a device sees over MQTT do what they say. */
import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IoTClient, TestInvokeAuthorizerCommand } from "@aws-sdk/client-iot";
import type { IClientOptions, MqttClient } from "mqtt";
import { describe, expect, onTestFinished, test } from "vitest";
import type { Behaviours } from "../../src/emulator/behaviours.ts";
import { REFUSAL_CAUSES, type RefusalCause } from "../../src/emulator/refusal-causes.ts";
import {
  admitted,
  arn,
  CALLER,
  connackOf,
  connectMqtt,
  ENDPOINT,
  policy,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";

const LEGACY = "emulator.iot.eu-west-1.amazonaws.com";
const OFF = "off.example";
const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });

async function start(behaviours: Partial<Behaviours>, changes: object = {}): Promise<TestEmulator> {
  const folder = mkdtempSync(join(tmpdir(), "fleet-smoke-switches-"));
  writeFileSync(join(folder, "k.pem"), KEYS.publicKey.export({ type: "spki", format: "pem" }));
  const connectOnly = admitted(policy("iot:Connect", "*"), policy("iot:*", arn("topic/mine")));
  const emulator = await startTestEmulator({
    authorizers: [
      tableAuthorizer([
        { when: { username: "device", password: "right" }, answer: admitted() },
        { when: { username: "narrow" }, answer: connectOnly },
        { when: { username: "barred" }, answer: admitted(policy("iot:Publish", "*")) },
        { when: { username: "throws" }, error: "no" },
        { when: { username: "dashed" }, answer: { ...admitted(), principalId: "a-b" } },
        { when: { queryString: "?with=mark" }, answer: admitted() },
      ]),
      {
        ...{ name: "signed", tokenKeyName: "t", publicKeyFiles: { k: join(folder, "k.pem") } },
        handler: { table: [{ answer: admitted() }] },
      },
    ],
    domains: [
      { name: "iot:Data-ATS", serverName: ENDPOINT, defaultAuthorizer: "open-door" },
      { name: "iot:Data", serverName: LEGACY, defaultAuthorizer: "open-door" },
      { name: "off", serverName: OFF, defaultAuthorizer: "open-door", status: "DISABLED" },
    ],
    behaviours,
    ...changes,
  });
  onTestFinished(async () => {
    await emulator.stop();
    rmSync(folder, { recursive: true });
  });
  return emulator;
}

async function open(emulator: TestEmulator, options: IClientOptions): Promise<MqttClient> {
  const client = await connectMqtt(emulator, options);
  onTestFinished(() => client.endAsync(true));
  return client;
}

/** What is sent to a client until it is put out, or answers. */
function answersTo(client: MqttClient): { readonly packets: string[]; readonly closed: Promise<void> } {
  const packets: string[] = [];
  client.on("packetreceive", (packet) => {
    const code = "reasonCode" in packet ? packet.reasonCode : "granted" in packet ? packet.granted : "";
    packets.push(`${packet.cmd} ${String(code ?? "")}`.trim());
  });
  return { packets, closed: new Promise((resolve) => client.once("close", () => resolve())) };
}

const WILL = { topic: "theirs", payload: Buffer.from("x"), qos: 0 as const, retain: false };
const PROVOKE: Readonly<Record<RefusalCause, IClientOptions>> = {
  NoAuthorizer: { username: "device?x-amz-customauthorizer-name=nobody" },
  Signature: { username: "device?x-amz-customauthorizer-name=signed" },
  NotAuthenticated: { password: "wrong" },
  AuthorizerError: { username: "throws" },
  Policy: { username: "barred" },
  Will: { username: "narrow", will: WILL },
  ClientId: { clientId: "$GEN/1" },
  ClientRate: { clientId: "busy" },
  Domain: { servername: OFF },
};
const CAUSES = Object.keys(REFUSAL_CAUSES) as RefusalCause[];

describe("how a refused CONNECT ends", () => {
  test.each([
    ["other codes", 2, 140],
    ["no CONNACK", "close", "close"],
  ] as const)("%s, for every cause and both versions", async (_what, mqtt311, mqtt5) => {
    const switches = CAUSES.flatMap((cause) => [
      [`refuse${cause}Mqtt311`, mqtt311],
      [`refuse${cause}Mqtt5`, mqtt5],
    ]);
    const emulator = await start(Object.fromEntries(switches), {
      quotas: { connectsPerSecondPerClientId: 0.001 },
    });
    expect(await connackOf(emulator, { clientId: "busy" })).toBe(0);
    const seen: Record<string, unknown> = {};
    const wanted: Record<string, unknown> = {};
    for (const cause of CAUSES) {
      for (const protocolVersion of [4, 5] as const) {
        const key = `${cause} ${protocolVersion}`;
        const clientId = `${cause}-${protocolVersion}`;
        seen[key] = await connackOf(emulator, { clientId, ...PROVOKE[cause], protocolVersion });
        const how = protocolVersion === 4 ? mqtt311 : mqtt5;
        wanted[key] = how === "close" ? "closed" : how;
      }
    }
    expect(seen).toEqual(wanted);
  });
});

describe("what the policies deny", () => {
  test.each([
    [4, {}, []],
    [4, { deniedPublish311: "keep", deniedSubscribe311: "keep" }, ["suback 128"]],
    [5, {}, ["puback 135", "suback 135"]],
    [5, { deniedPublish5: "disconnect" }, ["disconnect 135"]],
    [5, { deniedPublish5: "close" }, []],
    [5, { deniedSubscribe5: "disconnect" }, ["puback 135", "disconnect 135"]],
    [5, { deniedSubscribe5: "close" }, ["puback 135"]],
  ] as const)("MQTT version %i, %j: %j", async (protocolVersion, behaviours, expected) => {
    const client = await open(await start(behaviours), { username: "narrow", protocolVersion });
    const { packets, closed } = answersTo(client);
    client.on("error", () => {});
    client.publish("theirs", "x", { qos: 1 }, () => {});
    client.subscribe("theirs", { qos: 1 }, () => {});
    const isKept = expected.at(-1)?.startsWith("suback") === true;
    if (isKept) await expect.poll(() => packets).toEqual(expected);
    else await closed;
    expect(packets).toEqual(expected);
    expect(client.connected).toBe(isKept);
  });

  test("MQTT 3.1.1: a refused subscribe alone ends the connection, too", async () => {
    const client = await open(await start({ deniedPublish311: "keep" }), { username: "narrow" });
    const { packets, closed } = answersTo(client);
    client.subscribe("theirs", () => {});
    await closed;
    expect(packets).toEqual([]);
  });
});

describe("the legacy endpoint", () => {
  const cases = [
    ["close", "closed"],
    [1, 1],
    [132, 132],
  ] as const;
  test.each(cases)("takes MQTT 3.1.1 only; legacyEndpointMqtt5 %s", async (legacyEndpointMqtt5, expected) => {
    const emulator = await start({ legacyEndpointMqtt5 });
    const connect = (servername: string, protocolVersion: 4 | 5) =>
      connackOf(emulator, { servername, protocolVersion });
    expect(await connect(LEGACY, 4)).toBe(0);
    expect(await connect(LEGACY, 5)).toBe(expected);
    expect(await connect(ENDPOINT, 5)).toBe(0);
  });
});

describe("a Maximum Packet Size below 512", () => {
  const cases = [
    [undefined, 128],
    [130, 130],
    ["close", "closed"],
  ] as const;
  test.each(cases)("is refused; smallMaximumPacketSize %s", async (smallMaximumPacketSize, expected) => {
    const emulator = await start(smallMaximumPacketSize === undefined ? {} : { smallMaximumPacketSize });
    const connect = (maximumPacketSize: number) =>
      connackOf(emulator, { protocolVersion: 5, properties: { maximumPacketSize } });
    expect(await connect(511)).toBe(expected);
    expect(await connect(512)).toBe(0);
  });
});

describe("a user name's parameters", () => {
  const [token, signature] = withPlus();
  const username = `u?x-amz-customauthorizer-name=signed&x-amz-customauthorizer-signature=${signature}&t=${token}`;
  test.each([
    ["space-on-mqtt", 135],
    ["space", 135],
    ["plus", 0],
  ] as const)("plusInUsername %s: %i", async (plusInUsername, expected) => {
    const emulator = await start({ plusInUsername });
    expect(await connackOf(emulator, { protocolVersion: 5, username })).toBe(expected);
  });

  test("explicitDomainWithoutAlpn accept: the domain alone says that it is MQTT", async () => {
    const domain = { authenticationType: "CUSTOM_AUTH", applicationProtocol: "SECURE_MQTT" };
    const emulator = await start(
      {},
      { domains: [{ name: "d", serverName: ENDPOINT, defaultAuthorizer: "open-door", ...domain }] },
    );
    expect(await connackOf(emulator, { ALPNProtocols: [] })).toBe(0);
  });
});

describe("TestInvokeAuthorizer", () => {
  async function invoke(behaviours: Partial<Behaviours>, input: object): Promise<unknown> {
    const { api } = await start(behaviours);
    const client = new IoTClient({
      ...{ region: "eu-west-1", endpoint: api, credentials: { ...CALLER }, maxAttempts: 1 },
    });
    onTestFinished(() => client.destroy());
    return client
      .send(new TestInvokeAuthorizerCommand({ authorizerName: "open-door", ...input }))
      .then(({ $metadata: _, ...answer }) => answer);
  }

  test("testInvokeUnusableAnswer answer: what the function said is passed on", async () => {
    const input = { mqttContext: { username: "dashed" } };
    await expect(invoke({}, input)).rejects.toMatchObject({ name: "InvalidResponseException" });
    expect(await invoke({ testInvokeUnusableAnswer: "answer" }, input)).toMatchObject({
      ...{ isAuthenticated: true, principalId: "a-b" },
    });
  });

  test("testInvokeQueryMark added: a query string without its mark gets one", async () => {
    const input = { httpContext: { queryString: "with=mark" } };
    expect(await invoke({}, input)).toMatchObject({ isAuthenticated: false });
    expect(await invoke({ testInvokeQueryMark: "added" }, input)).toMatchObject({ isAuthenticated: true });
  });
});

function withPlus(): [token: string, signature: string] {
  for (let count = 0; ; count++) {
    const signature = sign("sha256", Buffer.from(`t${count}`), KEYS.privateKey).toString("base64");
    if (signature.includes("+")) return [`t${count}`, signature];
  }
}
