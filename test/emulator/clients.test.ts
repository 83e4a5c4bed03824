/** What a test, or somebody at a terminal, learns of one client id; and how AWS's own client asks for it. */
import { GetThingConnectivityDataCommand, IoTClient } from "@aws-sdk/client-iot";
import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  IoTDataPlaneClient,
} from "@aws-sdk/client-iot-data-plane";
import type { IClientOptions, MqttClient } from "mqtt";
import { describe, expect, onTestFinished, test } from "vitest";
import {
  admitted,
  CALLER,
  connackOf,
  connectMqtt,
  nextMessage,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";

const UNPRIVILEGED = { accessKeyId: "unprivileged", secretAccessKey: "x" };

async function start(changes: object = {}): Promise<TestEmulator> {
  const emulator = await startTestEmulator({
    authorizers: [
      tableAuthorizer([
        { when: { username: "device", password: "right" }, answer: admitted() },
        { when: { username: "brief" }, answer: { ...admitted(), disconnectAfterInSeconds: 300 } },
      ]),
    ],
    credentials: [
      CALLER,
      { ...UNPRIVILEGED, deny: ["GetConnection", "DeleteConnection", "iot:GetThingConnectivityData"] },
    ],
    admin: { enabled: true },
    ...changes,
  });
  onTestFinished(() => emulator.stop());
  return emulator;
}

async function open(emulator: TestEmulator, options: IClientOptions): Promise<MqttClient> {
  const client = await connectMqtt(emulator, { protocolVersion: 5, ...options });
  onTestFinished(() => client.endAsync(true));
  return client;
}

const PERSISTENT = { clean: false, properties: { sessionExpiryInterval: 600 } };

function willOn(topic: string, willDelayInterval = 0): IClientOptions["will"] {
  return { topic, payload: Buffer.from("gone"), qos: 1, retain: false, properties: { willDelayInterval } };
}

function gone(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once("close", () => resolve()));
}

function dataPlane({ api }: TestEmulator, credentials = CALLER): IoTDataPlaneClient {
  const client = new IoTDataPlaneClient({
    ...{ region: "eu-west-1", endpoint: api, credentials: { ...credentials }, maxAttempts: 1 },
  });
  onTestFinished(() => client.destroy());
  return client;
}

describe("what the emulator knows of a client id", () => {
  test("nothing at first; CONNECTs are counted, refused ones too", async () => {
    const emulator = await start();
    expect(emulator.client("c")).toEqual({
      ...{ clientId: "c", connected: false, connectedSince: null, disconnectedSince: null },
      ...{ disconnectReason: null, sessionPresent: false, subscriptions: [], queuedMessages: 0 },
      ...{ connects: 0, willsPublished: 0 },
    });
    expect(await connackOf(emulator, { clientId: "c", password: "wrong" })).toBe(5);
    expect(emulator.client("c")).toMatchObject({ connects: 1, connected: false, connectedSince: null });
    const before = Date.now();
    const client = await open(emulator, { clientId: "c" });
    expect(emulator.client("c")).toMatchObject({ connects: 2, connected: true, sessionPresent: true });
    expect(emulator.client("c").connectedSince).toBeGreaterThanOrEqual(before);
    await client.endAsync();
    await expect.poll(() => emulator.client("c").connected).toBe(false);
    expect(emulator.client("c")).toMatchObject({
      ...{ sessionPresent: false, disconnectReason: "CLIENT_INITIATED_DISCONNECT", willsPublished: 0 },
    });
  });

  test("its session, with subscriptions and queued messages, while it is away", async () => {
    const emulator = await start();
    const client = await open(emulator, { clientId: "c", ...PERSISTENT });
    await client.subscribeAsync(["a/#", "b"], { qos: 1 });
    expect(emulator.client("c")).toMatchObject({ subscriptions: ["a/#", "b"], queuedMessages: 0 });
    await client.endAsync();
    const other = await open(emulator, { clientId: "other" });
    await other.publishAsync("a/1", "x", { qos: 1 });
    await other.publishAsync("b", "x", { qos: 1 });
    await other.publishAsync("b", "not kept", { qos: 0 });
    await other.publishAsync("a/1", "kept", { qos: 1 });
    expect(emulator.client("c")).toMatchObject({
      ...{ connected: false, sessionPresent: true, subscriptions: ["a/#", "b"], queuedMessages: 3 },
    });
    // A connection that ends the session.
    await (await open(emulator, { clientId: "c" })).endAsync();
    await expect
      .poll(() => emulator.client("c"))
      .toMatchObject({ sessionPresent: false, subscriptions: [], queuedMessages: 0, connects: 2 });
  });

  test("whether its will was published: after a break, not after a goodbye", async () => {
    const emulator = await start();
    await (await open(emulator, { clientId: "polite", will: willOn("w") })).endAsync();
    await expect.poll(() => emulator.client("polite").connected).toBe(false);
    expect(emulator.client("polite").willsPublished).toBe(0);
    const broken = await open(emulator, { clientId: "broken", will: willOn("w") });
    broken.stream.destroy();
    await expect.poll(() => emulator.client("broken").willsPublished).toBe(1);
    // Put out by another connection with its id.
    await open(emulator, { clientId: "twin", will: willOn("w") });
    await open(emulator, { clientId: "twin" });
    expect(emulator.client("twin")).toMatchObject({ connects: 2, connected: true, willsPublished: 1 });
  });

  test("the admin route tells the same, URL-encoded ids included", async () => {
    const emulator = await start();
    const ask = (path: string, method = "GET") => fetch(`${emulator.api}${path}`, { method });
    await open(emulator, { clientId: "a/b ä" });
    const response = await ask(`/-/clients/${encodeURIComponent("a/b ä")}`);
    expect(await response.json()).toEqual(emulator.client("a/b ä"));
    expect(emulator.client("a/b ä").connected).toBe(true);
    expect((await ask("/-/clients/%")).status).toBe(400);
    expect((await ask("/-/clients/c", "PUT")).status).toBe(405);
    const closed = await startTestEmulator();
    onTestFinished(() => closed.stop());
    expect((await fetch(`${closed.api}/-/clients/c`)).status).toBe(404);
  });
});

describe("a will with a delay", () => {
  test("is not published where the session is resumed before, by whatever kind of connection", async () => {
    const emulator = await start();
    const delayed = { clientId: "c", will: willOn("w", 600), ...PERSISTENT };
    const first = await open(emulator, delayed);
    first.stream.destroy();
    await expect.poll(() => emulator.client("c").connected).toBe(false);
    await open(emulator, delayed);
    // Now taken over: the session goes on as well.
    await open(emulator, delayed);
    expect(emulator.client("c")).toMatchObject({ connects: 3, willsPublished: 0 });
  });

  test("is published at once where a new session replaces the old one, or it had none", async () => {
    const emulator = await start();
    const first = await open(emulator, { clientId: "c", will: willOn("w", 600), ...PERSISTENT });
    first.stream.destroy();
    await expect.poll(() => emulator.client("c").connected).toBe(false);
    expect(emulator.client("c").willsPublished).toBe(0);
    await open(emulator, { clientId: "c", clean: true });
    expect(emulator.client("c").willsPublished).toBe(1);
    const fleeting = await open(emulator, { clientId: "f", will: willOn("w", 600), clean: true });
    fleeting.stream.destroy();
    await expect.poll(() => emulator.client("f").willsPublished).toBe(1);
  });
});

describe("AWS's data plane client", () => {
  test("GetConnection: 200 with the permission, 403 without it, 404 for a stranger", async () => {
    const emulator = await start();
    await open(emulator, { clientId: "there", keepalive: 60, ...PERSISTENT });
    const { $metadata, ...answer } = await dataPlane(emulator).send(
      new GetConnectionCommand({ clientId: "there", includeSocketInformation: true }),
    );
    expect($metadata.httpStatusCode).toBe(200);
    expect(answer).toMatchObject({
      ...{ connected: true, clientId: "there", cleanSession: false, sessionExpiry: 600 },
      ...{ keepAliveDuration: 60, sourceIp: "127.0.0.1", targetPort: emulator.port },
    });
    expect(Number(answer.connectedSince)).toBe(emulator.client("there").connectedSince);
    const ask = (clientId: string, credentials = CALLER) =>
      dataPlane(emulator, credentials).send(new GetConnectionCommand({ clientId }));
    await expect(ask("there", UNPRIVILEGED)).rejects.toMatchObject({
      ...{ name: "AccessDeniedException", $metadata: { httpStatusCode: 403 } },
    });
    await expect(ask("stranger")).rejects.toMatchObject({
      ...{ name: "ResourceNotFoundException", $metadata: { httpStatusCode: 404 } },
    });
    await expect(ask("$GEN/1")).rejects.toMatchObject({ name: "InvalidRequestException" });
  });

  test("GetThingConnectivityData: with session details, 403 without the permission", async () => {
    const emulator = await start();
    await open(emulator, { clientId: "thing", ...PERSISTENT });
    const ask = (credentials = CALLER) => {
      const client = new IoTClient({
        ...{ region: "eu-west-1", endpoint: emulator.api, credentials: { ...credentials }, maxAttempts: 1 },
      });
      onTestFinished(() => client.destroy());
      return client.send(
        new GetThingConnectivityDataCommand({ thingName: "thing", includeSocketInformation: true }),
      );
    };
    expect(await ask()).toMatchObject({
      ...{ connected: true, clientId: "thing", cleanSession: false, sessionExpiry: 600 },
      sourceIp: "127.0.0.1",
    });
    await expect(ask(UNPRIVILEGED)).rejects.toMatchObject({
      ...{ name: "AccessDeniedException", $metadata: { httpStatusCode: 403 } },
    });
  });

  test("DeleteConnection ends it, with its will; the session stays", async () => {
    const emulator = await start();
    const watcher = await open(emulator, { clientId: "watcher" });
    await watcher.subscribeAsync("w");
    const client = await open(emulator, { clientId: "c", will: willOn("w"), ...PERSISTENT });
    const codes: (number | undefined)[] = [];
    client.on("disconnect", ({ reasonCode }) => codes.push(reasonCode));
    const [isGone, will] = [gone(client), nextMessage(watcher)];
    await dataPlane(emulator).send(new DeleteConnectionCommand({ clientId: "c" }));
    await isGone;
    expect([codes, (await will).payload]).toEqual([[0x98], "gone"]);
    expect(emulator.client("c")).toMatchObject({
      ...{ connected: false, sessionPresent: true, disconnectReason: "API_INITIATED_DISCONNECT" },
    });
  });

  test("DeleteConnection without the will, and with the session", async () => {
    const emulator = await start();
    const client = await open(emulator, { clientId: "c", will: willOn("w"), ...PERSISTENT });
    const isGone = gone(client);
    const remove = (input: object, credentials = CALLER) =>
      dataPlane(emulator, credentials).send(new DeleteConnectionCommand({ clientId: "c", ...input }));
    await expect(remove({}, UNPRIVILEGED)).rejects.toMatchObject({ $metadata: { httpStatusCode: 403 } });
    await remove({ cleanSession: true, preventWillMessage: true });
    await isGone;
    expect(emulator.client("c")).toMatchObject({
      connected: false,
      sessionPresent: false,
      willsPublished: 0,
    });
    await expect(remove({})).rejects.toMatchObject({ name: "ResourceNotFoundException" });
    await expect(remove({ clientId: "$x" })).rejects.toMatchObject({ name: "InvalidRequestException" });
  });
});

describe("a session that is taken over or left", () => {
  test("keeps what was not acknowledged for the newer connection, marked as sent before", async () => {
    const emulator = await start();
    const older = await open(emulator, { clientId: "c", ...PERSISTENT });
    await older.subscribeAsync("t", { qos: 1 });
    // Its acknowledgement never leaves.
    older.handleMessage = () => {};
    const seen = new Promise<void>((resolve) =>
      older.on("packetreceive", ({ cmd }) => cmd === "publish" && resolve()),
    );
    const other = await open(emulator, { clientId: "other" });
    await other.publishAsync("t", "once more", { qos: 1 });
    await seen;
    const again = new Promise((resolve) => {
      void connectMqtt(emulator, { clientId: "c", protocolVersion: 5, ...PERSISTENT }).then((newer) => {
        onTestFinished(() => newer.endAsync(true));
        newer.on("message", (_topic, payload, { dup }) => resolve([payload.toString(), dup]));
      });
    });
    expect(await again).toEqual(["once more", true]);
  });

  test("a clean session is not resumed by the connection that takes it over", async () => {
    const emulator = await start();
    const older = await open(emulator, { clientId: "c", protocolVersion: 4, clean: true });
    await older.subscribeAsync("t");
    await open(emulator, { clientId: "c", protocolVersion: 4, clean: false });
    expect(emulator.client("c")).toMatchObject({ connected: true, subscriptions: [] });
  });
});
