import { readFileSync } from "node:fs";
import { connectAsync, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENDPOINT, startTestEmulator, type TestEmulator } from "../support/emulator.ts";

let emulator: TestEmulator;
beforeAll(async () => {
  emulator = await startTestEmulator();
});
afterAll(() => emulator.stop());

function connect(options: IClientOptions): Promise<MqttClient> {
  return connectAsync(
    {
      protocol: "mqtts",
      host: emulator.host,
      port: emulator.port,
      servername: ENDPOINT,
      ca: readFileSync(emulator.caFile),
      ALPNProtocols: ["mqtt"],
      reconnectPeriod: 0,
      username: "device",
      password: "right",
      ...options,
    },
    false,
  );
}

describe.each([4, 5] as const)("MQTT version %i", (protocolVersion) => {
  test("publishes to itself", async () => {
    const client = await connect({ protocolVersion, clientId: `own-${protocolVersion}` });
    const got = new Promise((resolve) =>
      client.on("message", (topic, payload) => resolve([topic, payload.toString()])),
    );
    await client.subscribeAsync("a/+", { qos: 1 });
    await client.publishAsync("a/b", "hello", { qos: 1 });
    expect(await got).toEqual(["a/b", "hello"]);
    await client.endAsync();
  });

  test("refuses a wrong password", async () => {
    await expect(connect({ protocolVersion, password: "wrong" })).rejects.toMatchObject({
      code: protocolVersion === 4 ? 5 : 135,
    });
  });
});
