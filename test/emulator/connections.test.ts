import { readFileSync } from "node:fs";
import { request as httpsRequest } from "node:https";
import { GetThingConnectivityDataCommand, IoTClient } from "@aws-sdk/client-iot";
import type { IClientOptions, MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { type ConnectionFacts, Presence } from "../../src/emulator/broker/presence.ts";
import {
  admitted,
  arn,
  CALLER,
  connectMqtt,
  ENDPOINT,
  policy,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";
import { signedHeaders } from "../support/signed-request.ts";

const SIGNED_ONLY = "signed.example.com";
const CUSTOM_ONLY = "custom.example.com";

let emulator: TestEmulator;
beforeAll(async () => {
  emulator = await startTestEmulator({
    authorizers: [
      tableAuthorizer([
        { when: { username: "device", password: "right" }, answer: admitted() },
        { when: { username: "narrow" }, answer: admitted(policy("iot:Connect", arn("client/*"))) },
        {
          when: { username: "short" },
          answer: { ...admitted(), disconnectAfterInSeconds: 300, refreshAfterInSeconds: 86_400 },
        },
      ]),
    ],
    credentials: [CALLER, { accessKeyId: "denied", secretAccessKey: "x", deny: ["GetConnection"] }],
    domains: [
      { name: "iot:Data-ATS", serverName: ENDPOINT, defaultAuthorizer: "open-door" },
      {
        ...{ name: "signed", serverName: SIGNED_ONLY },
        ...{ authenticationType: "AWS_SIGV4", applicationProtocol: "HTTPS" },
      },
      {
        ...{ name: "custom", serverName: CUSTOM_ONLY },
        ...{ authenticationType: "CUSTOM_AUTH", applicationProtocol: "HTTPS" },
      },
    ],
    lifetimeSpeed: 1000,
    keepAliveSpeed: 1000,
  });
});
afterAll(() => emulator.stop());

async function open(options: IClientOptions): Promise<MqttClient> {
  const client = await connectMqtt(emulator, { protocolVersion: 5, keepalive: 1200, ...options });
  onTestFinished(() => client.endAsync(true));
  return client;
}

function gone(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once("close", () => resolve()));
}

interface Answer {
  readonly status: number;
  readonly errorType: string | null;
  readonly body: Readonly<Record<string, unknown>>;
}

/** Asks the API's address, as with `--endpoint-url`. */
async function atApi(target: string, changes: object = {}, at = emulator): Promise<Answer> {
  const { host } = new URL(at.api);
  const toSign = { method: "GET", target, host, service: "iotdata", credentials: CALLER, ...changes };
  const response = await fetch(`${at.api}${target}`, { headers: signedHeaders(toSign) });
  return {
    status: response.status,
    errorType: response.headers.get("x-amzn-errortype"),
    body: (await response.json()) as Answer["body"],
  };
}

/** Asks the devices' endpoint. */
function atGateway(target: string, host = ENDPOINT, service = "iotdata", method = "GET"): Promise<Answer> {
  const headers = { host, ...signedHeaders({ method, target, host, service, credentials: CALLER }) };
  return new Promise((resolve, reject) => {
    const request = httpsRequest({
      ...{ host: emulator.host, port: emulator.port, servername: host, path: target, method, headers },
      ...{ ca: readFileSync(emulator.caFile), agent: false },
    });
    request.on("error", reject).end();
    request.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () =>
        resolve({
          status: response.statusCode ?? 0,
          errorType: String(response.headers["x-amzn-errortype"] ?? ""),
          body: JSON.parse(text) as Answer["body"],
        }),
      );
    });
  });
}

describe("GetConnection", () => {
  test("tells of a connection, with its addresses only if asked to", async () => {
    const before = Date.now();
    await open({ clientId: "there", keepalive: 600 });
    const { status, body } = await atApi("/connections/there");
    expect(status).toBe(200);
    expect(body).toEqual({
      ...{ connected: true, connectedSince: expect.any(Number), clientId: "there" },
      ...{ cleanSession: true, keepAliveDuration: 600, sessionExpiry: 0 },
    });
    expect(body.connectedSince).toBeGreaterThanOrEqual(before);
    const more = await atApi("/connections/there?includeSocketInformation=true");
    expect(more.body).toMatchObject({
      ...{ sourceIp: "127.0.0.1", sourcePort: expect.any(Number) },
      ...{ targetIp: "127.0.0.1", targetPort: emulator.port },
    });
  });

  test("the gateway answers too, signed as either service, and on a domain for signed requests", async () => {
    await open({ clientId: "a/b ä" });
    const target = `/connections/${encodeURIComponent("a/b ä")}`;
    const expected = { status: 200, body: { connected: true, clientId: "a/b ä" } };
    expect(await atGateway(target)).toMatchObject(expected);
    expect(await atGateway(target, ENDPOINT, "iotdevicegateway")).toMatchObject(expected);
    expect(await atGateway(target, SIGNED_ONLY)).toMatchObject(expected);
  });

  test("the gateway answers nothing else, and not on a domain for custom authentication", async () => {
    expect(await atGateway("/connections/x", CUSTOM_ONLY)).toMatchObject({ status: 403 });
    expect(await atGateway("/connections/x", ENDPOINT, "iotdata", "PUT")).toMatchObject({ status: 404 });
    expect(await atGateway("/authorizers", ENDPOINT, "iot")).toMatchObject({ status: 403 });
  });

  test.each([
    ["never connected", "/connections/nobody", 404, "ResourceNotFoundException"],
    ["an id that starts with $", "/connections/$GEN", 400, "InvalidRequestException"],
    ["an id over 128 characters", `/connections/${"x".repeat(129)}`, 400, "InvalidRequestException"],
    ["no boolean", "/connections/x?includeSocketInformation=1", 400, "InvalidRequestException"],
  ])("%s", async (_what, target, status, name) => {
    expect(await atApi(target)).toMatchObject({
      ...{ status, errorType: `${name}:` },
      body: { message: expect.any(String), traceId: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
  });

  test("wrong secret, wrong service and a missing permission are 403", async () => {
    const wrong = { accessKeyId: "test", secretAccessKey: "wrong" };
    const denied = { accessKeyId: "denied", secretAccessKey: "x" };
    for (const [changes, name] of [
      [{ credentials: wrong }, "InvalidSignatureException"],
      [{ service: "s3" }, "InvalidSignatureException"],
      [{ credentials: denied }, "AccessDeniedException"],
    ] as const) {
      expect(await atApi("/connections/x", changes)).toMatchObject({ status: 403, errorType: `${name}:` });
    }
  });

  test("one question a second for a client id, the next is 429; faults come with a status", async () => {
    const other = await startTestEmulator({
      quotas: { connectionQueriesPerSecondPerClientId: 0.001 },
      faults: [{ match: { operation: "GetConnection", clientId: "ill" }, kind: "api-5xx" }],
    });
    onTestFinished(() => other.stop());
    expect(await atApi("/connections/a", {}, other)).toMatchObject({ status: 404 });
    expect(await atApi("/connections/a", {}, other)).toMatchObject({
      ...{ status: 429, errorType: "ThrottlingException:" },
    });
    expect(await atApi("/connections/b", {}, other)).toMatchObject({ status: 404 });
    expect(await atApi("/connections/ill", {}, other)).toMatchObject({ status: 500 });
  });
});

describe("why a client is gone", () => {
  async function reasonOf(clientId: string): Promise<unknown> {
    const { body } = await atApi(`/connections/${clientId}`);
    expect(body).toMatchObject({ connected: false, disconnectedSince: expect.any(Number) });
    return body.disconnectReason;
  }

  test("it said goodbye", async () => {
    await (await open({ clientId: "polite" })).endAsync();
    expect(await reasonOf("polite")).toBe("CLIENT_INITIATED_DISCONNECT");
  });

  test("its connection broke", async () => {
    const client = await open({ clientId: "lost" });
    client.stream.destroy();
    await expect
      .poll(async () => (await atApi("/connections/lost")).body.disconnectReason)
      .toBe("CONNECTION_LOST");
  });

  test("it broke the protocol, or may not publish there", async () => {
    const wrong = await open({ clientId: "wrong", protocolVersion: 4 });
    wrong.publish("x".repeat(257), "");
    await gone(wrong);
    expect(await reasonOf("wrong")).toBe("CLIENT_ERROR");
    const barred = await open({ clientId: "barred", protocolVersion: 4, username: "narrow" });
    barred.publish("a", "");
    await gone(barred);
    expect(await reasonOf("barred")).toBe("AUTH_ERROR");
  });

  test("its time was up", async () => {
    await gone(await open({ clientId: "expired", username: "short" }));
    expect(await reasonOf("expired")).toBe("CUSTOMAUTH_TTL_EXPIRATION");
  });

  test.each([4, 5] as const)("it was silent, MQTT version %i", async (protocolVersion) => {
    // 0 becomes 1200 seconds, 1.5 of which pass a thousand times as fast.
    const client = await open({ clientId: `silent-${protocolVersion}`, keepalive: 0, protocolVersion });
    const codes: (number | undefined)[] = [];
    client.on("disconnect", ({ reasonCode }) => codes.push(reasonCode));
    await gone(client);
    expect(await reasonOf(`silent-${protocolVersion}`)).toBe("MQTT_KEEP_ALIVE_TIMEOUT");
    expect(codes).toEqual(protocolVersion === 5 ? [0x8d] : []);
  });

  test("a newer connection of the client is the one that counts", async () => {
    const older = await open({ clientId: "twin", keepalive: 100 });
    const isGone = gone(older);
    await open({ clientId: "twin", keepalive: 200 });
    await isGone;
    expect((await atApi("/connections/twin")).body).toMatchObject({
      connected: true,
      keepAliveDuration: 200,
    });
  });
});

describe("GetThingConnectivityData", () => {
  async function ask(thingName: string, includeSocketInformation?: boolean): Promise<object> {
    const client = new IoTClient({
      ...{ region: "eu-west-1", endpoint: emulator.api, credentials: { ...CALLER }, maxAttempts: 1 },
    });
    onTestFinished(() => client.destroy());
    const { $metadata: _, ...answer } = await client.send(
      new GetThingConnectivityDataCommand({
        thingName,
        ...(includeSocketInformation !== undefined && { includeSocketInformation }),
      }),
    );
    return answer;
  }

  test("tells of the client with the thing's name", async () => {
    const before = Date.now();
    const client = await open({
      ...{ clientId: "thing-1", clean: false, properties: { sessionExpiryInterval: 60 } },
    });
    const connected = await ask("thing-1", true);
    expect(connected).toMatchObject({
      ...{ thingName: "thing-1", connected: true, clientId: "thing-1", cleanSession: false },
      ...{ sessionExpiry: 60, keepAliveDuration: 1200, sourceIp: "127.0.0.1", targetPort: emulator.port },
    });
    expect((connected as { timestamp: Date }).timestamp.getTime()).toBeGreaterThanOrEqual(before);
    await client.endAsync();
    const after = await ask("thing-1");
    expect(after).toMatchObject({ connected: false, disconnectReason: "CLIENT_INITIATED_DISCONNECT" });
    expect(after).not.toHaveProperty("sourceIp");
  });

  test("of one that never connected there is nothing to tell; a name is checked", async () => {
    expect(await ask("never")).toEqual({ thingName: "never", connected: false });
    await expect(ask("a b")).rejects.toMatchObject({ name: "InvalidRequestException" });
  });
});

describe("what is remembered", () => {
  const facts = (clientId: string): ConnectionFacts => ({
    ...{ clientId, cleanSession: true, keepAliveSeconds: 60, sessionExpirySeconds: 0 },
    socket: { sourceIp: "127.0.0.1", sourcePort: 1, targetIp: "127.0.0.1", targetPort: 2 },
  });

  test("a connection for half an hour after its end", () => {
    let now = 1000;
    const presence = new Presence(() => now);
    const end = presence.connected(facts("a"));
    now += 24 * 3600 * 1000;
    expect(presence.find("a")?.disconnected).toBeNull();
    end("CONNECTION_LOST");
    end("SERVER_ERROR");
    now += 30 * 60 * 1000;
    expect(presence.find("a")?.disconnected?.reason).toBe("CONNECTION_LOST");
    now += 1;
    expect(presence.find("a")).toBeNull();
  });

  test("no more than half an hour's, and no more than 10 000 that are gone", () => {
    let now = 0;
    const presence = new Presence(() => now);
    const stays = presence.connected(facts("stays"));
    for (let client = 0; client < 20_000; client++)
      presence.connected(facts(`c${client}`))("CONNECTION_LOST");
    expect(presence.size).toBe(10_001);
    expect(presence.find("c9999")).toBeNull();
    expect(presence.find("c10000")).not.toBeNull();
    now += 30 * 60 * 1000 + 1;
    stays("CLIENT_INITIATED_DISCONNECT");
    expect(presence.size).toBe(1);
  });
});
