import { readFileSync } from "node:fs";
import { request } from "node:https";
import type { ConnectionOptions } from "node:tls";
import { IoTClient, ListAuthorizersCommand, TestInvokeAuthorizerCommand } from "@aws-sdk/client-iot";
import fc from "fast-check";
import { connect as connectMqttRaw } from "mqtt";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import { FAULT_KINDS } from "../../src/emulator/fault-schema.ts";
import { Faults } from "../../src/emulator/faults.ts";
import { compilePattern } from "../../src/emulator/pattern.ts";
import { TokenBuckets } from "../../src/emulator/quotas.ts";
import {
  CALLER,
  connackOf,
  connectMqtt,
  ENDPOINT,
  mqttOptions,
  startTestEmulator,
  type TestEmulator,
} from "../support/emulator.ts";

async function withFaults(...faults: object[]): Promise<TestEmulator> {
  const emulator = await startTestEmulator({ faults });
  onTestFinished(() => emulator.stop());
  return emulator;
}

function client({ api }: TestEmulator): IoTClient {
  const made = new IoTClient({
    ...{ region: "eu-west-1", endpoint: api, credentials: { ...CALLER }, maxAttempts: 1 },
  });
  onTestFinished(() => made.destroy());
  return made;
}

describe("at the gateway", () => {
  test.each([
    ["connack", { code: 3 }, 4, 3],
    ["connack", { code: 0x97 }, 5, 0x97],
    ["close", {}, 5, "closed"],
    ["reset", {}, 5, "closed"],
    ["garbage", {}, 5, "closed"],
    ["delay", { delayMs: 1 }, 5, 0],
    ["tls-alert", {}, 5, "closed"],
    ["tls-close", {}, 5, "closed"],
    ["tls-reset", {}, 5, "closed"],
    ["tls-delay", { delayMs: 1 }, 5, 0],
    ["tls-certificate", { certificate: "expired" }, 5, "closed"],
    ["delay", { latency: { p50Ms: 1, p99Ms: 3 } }, 5, 0],
    ["open-close", {}, 5, "closed"],
    ["open-reset", {}, 5, "closed"],
    ["deny", {}, 4, 5],
    ["deny", {}, 5, 135],
    ["session-close", {}, 5, 0],
  ] as const)("%s %j", async (kind, details, protocolVersion, expected) => {
    const emulator = await withFaults({ kind, ...details });
    expect(await connackOf(emulator, { protocolVersion })).toBe(expected);
  });

  test.each(["tls-delay", "delay"])("%s: nothing comes before its time", async (kind) => {
    const emulator = await startTestEmulator({
      domains: [
        { name: "d", serverName: ENDPOINT, defaultAuthorizer: "open-door" },
        { name: "late", serverName: "late.example", defaultAuthorizer: "open-door" },
      ],
      faults: [{ match: { serverName: "late.example" }, kind, delayMs: 600_000 }],
    });
    let isAnswered = false;
    const late = connackOf(emulator, { servername: "late.example", clientId: "late" }).finally(() => {
      isAnswered = true;
    });
    // Exchanges elsewhere, long enough for an answer to have come.
    for (let count = 0; count < 5; count++) expect(await connackOf(emulator)).toBe(0);
    expect(isAnswered).toBe(false);
    await emulator.stop();
    expect(await late).toBe("closed");
  });

  test.each(["silent", "tls-silent", "open-silent"])(
    "%s: nothing comes, and stopping ends it",
    async (kind) => {
      const emulator = await startTestEmulator({ faults: [{ kind }] });
      const code = connackOf(emulator);
      await emulator.stop();
      expect(await code).toBe("closed");
    },
  );

  test.each([
    ["expired", "CERT_HAS_EXPIRED"],
    ["self-signed", "DEPTH_ZERO_SELF_SIGNED_CERT"],
    ["wrong-name", "ERR_TLS_CERT_ALTNAME_INVALID"],
  ])("tls-certificate: %s", async (certificate, expected) => {
    const emulator = await withFaults({ kind: "tls-certificate", certificate });
    const code = await new Promise((resolve) => {
      const client = connectMqttRaw(mqttOptions(emulator));
      client.on("error", (error) => {
        client.end(true);
        resolve("code" in error && error.code);
      });
    });
    expect(code).toBe(expected);
  });

  test("admit: the gateway lets in whom the API denies", async () => {
    const emulator = await withFaults({ match: { username: "device" }, kind: "admit" });
    const aws = client(emulator);
    const mqttContext = { username: "device", password: Buffer.from("wrong") };
    const answer = await aws.send(
      new TestInvokeAuthorizerCommand({ authorizerName: "open-door", mqttContext }),
    );
    expect(answer.isAuthenticated).toBe(false);
    const letIn = await connectMqtt(emulator, { password: "wrong", protocolVersion: 5 });
    await letIn.publishAsync("anything", "goes", { qos: 1 });
    await letIn.endAsync();
    expect(await connackOf(emulator, { username: "other", protocolVersion: 5 })).toBe(135);
  });

  test.each([
    ["session-close", false],
    ["session-reset", true],
  ])("%s: a session breaks some time after it began", async (kind, isReset) => {
    const emulator = await withFaults({ kind, delayMs: 30 });
    const session = await connectMqtt(emulator, { protocolVersion: 5 });
    const errors: unknown[] = [];
    session.on("error", (error) => errors.push("code" in error && error.code));
    await session.subscribeAsync("a");
    await new Promise<void>((resolve) => session.once("close", () => resolve()));
    expect(errors).toEqual(isReset ? ["ECONNRESET"] : []);
    session.end(true);
  });

  test("session-silent: the connection stays, and nothing comes back", async () => {
    const emulator = await startTestEmulator({ admin: { enabled: true } });
    onTestFinished(() => emulator.stop());
    const persistent = {
      ...{ clientId: "deaf", protocolVersion: 5 as const, clean: false },
      properties: { sessionExpiryInterval: 60 },
    };
    const before = await connectMqtt(emulator, persistent);
    await before.subscribeAsync("told");
    await before.endAsync();
    const faults = [{ match: { clientId: "deaf" }, kind: "session-silent", delayMs: 0 }];
    await fetch(`${emulator.api}/-/faults`, { method: "PUT", body: JSON.stringify({ faults }) });

    const deaf = await connectMqtt(emulator, persistent);
    const other = await connectMqtt(emulator, { protocolVersion: 5 });
    const answers: string[] = [];
    deaf.on("packetreceive", ({ cmd }) => answers.push(cmd));
    await other.subscribeAsync("heard");
    let isHeard = false;
    other.on("message", () => {
      isHeard = true;
    });
    // Packets that go to and fro elsewhere: long enough for the fault to strike, and for an answer to have come.
    const meanwhile = async () => {
      for (let count = 0; count < 20; count++) await other.publishAsync("elsewhere", "", { qos: 1 });
    };
    await meanwhile();
    deaf.publish("heard", "?", { qos: 1 });
    deaf.subscribe("more");
    await other.publishAsync("told", "!", { qos: 1 });
    await meanwhile();
    expect([answers, isHeard, deaf.connected]).toEqual([[], false, true]);
    await other.endAsync();
    await deaf.endAsync(true);
  });

  test("http-status: over HTTPS and at a WebSocket's upgrade", async () => {
    const emulator = await withFaults({ kind: "http-status", code: 429 });
    const ca = readFileSync(emulator.caFile);
    const status = await new Promise((resolve, reject) => {
      request({
        ...{ host: emulator.host, port: emulator.port, servername: ENDPOINT, ca, agent: false },
        ...{ method: "POST", path: "/topics/a?qos=0", headers: { host: ENDPOINT } },
      })
        .on("response", (response) => {
          response.resume();
          resolve([response.statusCode, response.headers["x-amzn-errortype"]]);
        })
        .on("error", reject)
        .end("x");
    });
    expect(status).toEqual([429, "ThrottlingException:"]);
    const tls: ConnectionOptions = { ca, servername: ENDPOINT };
    const socket = new WebSocket(
      `wss://${emulator.host}:${emulator.port}/mqtt`,
      "mqtt",
      tls as ClientOptions,
    );
    const refused = new Promise((resolve) => {
      socket.on("unexpected-response", (_request, response) => {
        response.resume();
        resolve(response.statusCode);
        socket.terminate();
      });
    });
    socket.on("error", () => {});
    expect(await refused).toBe(429);
    expect(await connackOf(emulator)).toBe(0);
  });

  test("only those that match are struck", async () => {
    const emulator = await withFaults({ match: { clientId: "/^flaky-/", protocol: "mqtt" }, kind: "close" });
    expect(await connackOf(emulator, { clientId: "flaky-1" })).toBe("closed");
    expect(await connackOf(emulator, { clientId: "steady-1" })).toBe(0);
  });
});

describe("at the API", () => {
  test.each([
    [{ kind: "api-throttle" }, { name: "ThrottlingException", $metadata: { httpStatusCode: 400 } }],
    [{ kind: "api-5xx" }, { name: "InternalFailureException", $metadata: { httpStatusCode: 500 } }],
    [
      { kind: "api-5xx", code: 503 },
      { name: "ServiceUnavailableException", $metadata: { httpStatusCode: 503 } },
    ],
    [{ kind: "api-5xx", code: 502 }, { $metadata: { httpStatusCode: 502 } }],
    [{ kind: "api-close" }, { code: "ECONNRESET" }],
  ])("%j", async (fault, expected) => {
    const emulator = await withFaults({
      match: { clientId: "c1", operation: "TestInvokeAuthorizer" },
      ...fault,
    });
    const aws = client(emulator);
    const invoke = (clientId: string) =>
      aws.send(new TestInvokeAuthorizerCommand({ authorizerName: "open-door", mqttContext: { clientId } }));
    await expect(invoke("c1")).rejects.toMatchObject(expected);
    await invoke("c2");
    await aws.send(new ListAuthorizersCommand({}));
  });
});

test("api-delay: nothing comes before its time, and then the answer", async () => {
  const emulator = await startTestEmulator({
    faults: [
      { match: { clientId: "late" }, kind: "api-delay", delayMs: 600_000 },
      { match: { clientId: "soon" }, kind: "api-delay", latency: { p50Ms: 1, p99Ms: 3 } },
    ],
  });
  const aws = client(emulator);
  const invoke = (clientId: string) =>
    aws.send(new TestInvokeAuthorizerCommand({ authorizerName: "open-door", mqttContext: { clientId } }));
  let isAnswered = false;
  const late = invoke("late").then(
    () => "answered",
    () => "closed",
  );
  void late.then(() => {
    isAnswered = true;
  });
  for (let count = 0; count < 5; count++) {
    expect(await invoke("soon")).toMatchObject({ isAuthenticated: false });
  }
  expect(isAnswered).toBe(false);
  await emulator.stop();
  expect(await late).toBe("closed");
});

describe("draws", () => {
  test("the same seed repeats the same draws, at about the wanted rate", () => {
    const draws = (seed: number) => {
      const faults = new Faults({
        faults: [{ match: {}, kind: "close", probability: 0.05, delayMs: 0 }],
        faultSeed: seed,
      });
      return Array.from({ length: 4000 }, () => faults.draw("connect", {}) !== null);
    };
    expect(draws(7)).toEqual(draws(7));
    expect(draws(7)).not.toEqual(draws(8));
    const struck = draws(7).filter(Boolean).length;
    expect(struck).toBeGreaterThan(150);
    expect(struck).toBeLessThan(250);
  });

  test("a log-normal latency has the median and the 99th percentile it was given", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 1, max: 20 }), (p50Ms, factor) => {
        const latency = { p50Ms, p99Ms: p50Ms * factor };
        const faults = new Faults({
          faults: [{ match: {}, kind: "delay", probability: 1, delayMs: 0, latency }],
          faultSeed: 3,
        });
        const drawn = Array.from({ length: 2000 }, () => faults.draw("connect", {})?.delayMs ?? -1);
        const sorted = drawn.toSorted((a, b) => a - b);
        // The sample's quantiles differ from the distribution's by a few hundredths of its width.
        const within = (value: number, wanted: number) =>
          Math.abs(Math.log(value / wanted)) / Math.log(1 + factor);
        expect(within(sorted[1000] ?? 0, latency.p50Ms)).toBeLessThan(0.1);
        expect(within(sorted[1980] ?? 0, latency.p99Ms)).toBeLessThan(0.2);
        expect(sorted[0]).toBeGreaterThan(0);
        expect(sorted.at(-1)).toBeLessThanOrEqual(600_000);
      }),
      { numRuns: 20 },
    );
  });

  test("each kind strikes at one place only", () => {
    const stages = ["tls", "open", "http", "connect", "session", "api"] as const;
    const placed = FAULT_KINDS.map((kind) => {
      const faults = new Faults({
        faults: [{ match: {}, kind, probability: 1, delayMs: 0 }],
        faultSeed: 1,
      });
      return stages.filter((stage) => faults.draw(stage, {}) !== null);
    });
    expect(placed.every(({ length }) => length === 1)).toBe(true);
    expect(new Set(placed.flat()).size).toBe(stages.length);
  });

  test("a subject that is not known matches nothing", () => {
    const faults = new Faults({
      faults: [{ match: { clientId: "/.*/" }, kind: "close", probability: 1, delayMs: 0 }],
      faultSeed: 1,
    });
    expect(faults.draw("connect", {})).toBeNull();
    expect(faults.draw("connect", { clientId: "" })).not.toBeNull();
    expect(faults.draw("api", { clientId: "" })).toBeNull();
  });
});

test("a pattern is exact text or a /regular expression/", () => {
  expect(["a", "ab", undefined].map(compilePattern("a"))).toEqual([true, false, false]);
  expect(["a", "ab", "b"].map(compilePattern("/^a/"))).toEqual([true, true, false]);
  expect(compilePattern("")(undefined)).toBe(true);
  expect(compilePattern("/")("/")).toBe(true);
});

describe("one CONNECT a second for a client id", () => {
  test("the second one is refused", async () => {
    const emulator = await startTestEmulator({ quotas: { connectsPerSecondPerClientId: 0.001 } });
    onTestFinished(() => emulator.stop());
    const first = await connectMqtt(emulator, { clientId: "busy", protocolVersion: 5 });
    expect(await connackOf(emulator, { clientId: "busy", protocolVersion: 5 })).toBe(151);
    expect(await connackOf(emulator, { clientId: "busy", protocolVersion: 4 })).toBe("closed");
    expect(await connackOf(emulator, { clientId: "other", protocolVersion: 4 })).toBe(0);
    await first.endAsync();
  });

  test("a bucket never gives more than its burst and its rate", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 20 }),
        fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 300 }),
        (perSecond, burst, pauses) => {
          let now = 0;
          const buckets = new TokenBuckets(perSecond, burst, () => now);
          let given = 0;
          for (const pause of pauses) {
            now += pause;
            if (buckets.take("k")) given += 1;
          }
          expect(given).toBeLessThanOrEqual(burst + (now / 1000) * perSecond + 0.01);
        },
      ),
    );
  });

  test("buckets that have filled up are forgotten", () => {
    let now = 0;
    const buckets = new TokenBuckets(1, 1, () => now);
    for (let client = 0; client < 100_000; client++) {
      now += 1;
      expect(buckets.take(`client-${client}`)).toBe(true);
    }
    expect(buckets.size).toBeLessThan(5000);
  });
});
