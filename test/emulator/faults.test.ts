import { IoTClient, ListAuthorizersCommand, TestInvokeAuthorizerCommand } from "@aws-sdk/client-iot";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { Faults } from "../../src/emulator/faults.ts";
import { compilePattern } from "../../src/emulator/pattern.ts";
import { TokenBuckets } from "../../src/emulator/quotas.ts";
import { CALLER, connackOf, connectMqtt, startTestEmulator, type TestEmulator } from "../support/emulator.ts";

async function withFaults(...faults: object[]): Promise<TestEmulator> {
  const emulator = await startTestEmulator({ faults });
  onTestFinished(() => emulator.stop());
  return emulator;
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
  ] as const)("%s %j", async (kind, details, protocolVersion, expected) => {
    const emulator = await withFaults({ kind, ...details });
    expect(await connackOf(emulator, { protocolVersion })).toBe(expected);
  });

  test.each(["silent", "tls-silent"])("%s: nothing comes, and stopping ends it", async (kind) => {
    const emulator = await startTestEmulator({ faults: [{ kind }] });
    const code = connackOf(emulator);
    await emulator.stop();
    expect(await code).toBe("closed");
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
    [{ kind: "api-close" }, { code: "ECONNRESET" }],
  ])("%j", async (fault, expected) => {
    const emulator = await withFaults({
      match: { clientId: "c1", operation: "TestInvokeAuthorizer" },
      ...fault,
    });
    const client = new IoTClient({
      region: "eu-west-1",
      endpoint: emulator.api,
      credentials: { ...CALLER },
      maxAttempts: 1,
    });
    onTestFinished(() => client.destroy());
    const invoke = (clientId: string) =>
      client.send(
        new TestInvokeAuthorizerCommand({ authorizerName: "open-door", mqttContext: { clientId } }),
      );
    await expect(invoke("c1")).rejects.toMatchObject(expected);
    await invoke("c2");
    await client.send(new ListAuthorizersCommand({}));
  });
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
