import { request } from "node:http";
import { IoTClient, TestInvokeAuthorizerCommand } from "@aws-sdk/client-iot";
import { expect, onTestFinished, test } from "vitest";
import { CALLER, connackOf, startTestEmulator, type TestEmulator } from "../support/emulator.ts";

async function start(changes: object = { admin: { enabled: true } }): Promise<TestEmulator> {
  const emulator = await startTestEmulator(changes);
  onTestFinished(() => emulator.stop());
  return emulator;
}

async function ask(
  { api }: TestEmulator,
  method: string,
  body?: unknown,
): Promise<{ readonly status: number; readonly body: unknown }> {
  const response = await fetch(`${api}/-/faults`, {
    method,
    ...(body !== undefined && { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, body: await response.json() };
}

test("faults are put, seen, and taken away, at once", async () => {
  const emulator = await start({
    admin: { enabled: true },
    faults: [{ match: { clientId: "old" }, kind: "close" }],
  });
  expect(await ask(emulator, "GET")).toMatchObject({
    status: 200,
    body: { faults: [{ match: { clientId: "old" }, kind: "close", probability: 1 }], faultSeed: 1 },
  });
  expect(await connackOf(emulator, { clientId: "old" })).toBe("closed");

  const faults = [{ match: { clientId: "/^new/" }, kind: "connack", code: 0x97 }, { kind: "api-throttle" }];
  expect(await ask(emulator, "PUT", { faults, faultSeed: 7 })).toMatchObject({
    status: 200,
    body: { faults, faultSeed: 7 },
  });
  expect(await connackOf(emulator, { clientId: "old" })).toBe(0);
  expect(await connackOf(emulator, { clientId: "new-1", protocolVersion: 5 })).toBe(0x97);
  const aws = new IoTClient({
    ...{ region: "eu-west-1", endpoint: emulator.api, credentials: { ...CALLER }, maxAttempts: 1 },
  });
  onTestFinished(() => aws.destroy());
  const invoke = () => aws.send(new TestInvokeAuthorizerCommand({ authorizerName: "open-door" }));
  await expect(invoke()).rejects.toMatchObject({ name: "ThrottlingException" });

  expect(await ask(emulator, "DELETE")).toEqual({ status: 200, body: { faults: [], faultSeed: 7 } });
  expect(await connackOf(emulator, { clientId: "new-1" })).toBe(0);
  await invoke();
});

test("what is not valid is refused with its field, and changes nothing", async () => {
  const emulator = await start();
  const faults = [{ kind: "close", match: { clientId: "kept" } }];
  await ask(emulator, "PUT", { faults });
  const wrong: readonly (readonly [unknown, string])[] = [
    [{ faults: [{ kind: "melt" }] }, "faults.0.kind"],
    [{ faults: [{ kind: "close", match: { clientId: "/(/" } }] }, "faults.0.match.clientId"],
    [{ faults: [{ kind: "delay", latency: { p50Ms: 5, p99Ms: 1 } }] }, "faults.0.latency"],
    [{ faults: [], more: 1 }, ""],
    [[], ""],
  ];
  for (const [body, field] of wrong) {
    expect(await ask(emulator, "PUT", body)).toMatchObject({
      status: 400,
      body: { problems: [expect.objectContaining({ field })] },
    });
  }
  expect((await ask(emulator, "PUT", "{")).status).toBe(400);
  expect((await ask(emulator, "PUT", "x".repeat(2_000_000))).status).toBe(413);
  expect((await ask(emulator, "POST", {})).status).toBe(405);
  expect(await ask(emulator, "GET")).toMatchObject({ body: { faults } });
});

test("it is off unless enabled", async () => {
  const emulator = await start({});
  expect((await ask(emulator, "GET")).status).toBe(404);
  expect((await ask(emulator, "PUT", { faults: [{ kind: "close" }] })).status).toBe(404);
  expect(await connackOf(emulator)).toBe(0);
});

test.each([
  [{ host: "evil.example" }, 403],
  [{ host: "127.0.0.1.evil.example" }, 403],
  [{ origin: "http://evil.example" }, 403],
  [{ origin: "null" }, 403],
  [{ host: "localhost:1" }, 200],
  [{ host: "[::1]:1" }, 200],
])("%j: %i", async (headers, expected) => {
  const emulator = await start();
  const status = await new Promise((resolve, reject) => {
    request(`${emulator.api}/-/faults`, { headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
  expect(status).toBe(expected);
});
