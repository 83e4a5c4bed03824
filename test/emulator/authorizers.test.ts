import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { IoTClient, TestInvokeAuthorizerCommand } from "@aws-sdk/client-iot";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { clampLifetime, readAnswer } from "../../src/emulator/authorizers/answer.ts";
import { authorizerEvent } from "../../src/emulator/authorizers/event.ts";
import { createLog, type Log } from "../../src/lib/log.ts";
import {
  admitted,
  CALLER,
  connackOf,
  connectMqtt,
  startTestEmulator,
  type TestEmulator,
} from "../support/emulator.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-authorizer-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function withHandler(handler: object, changes: object = {}, log?: Log): Promise<TestEmulator> {
  const authorizers = [{ name: "open-door", signingDisabled: true, handler }];
  const emulator = await startTestEmulator({ authorizers, ...changes }, log);
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

const ADMIT = `({ isAuthenticated: true, principalId: "p", policyDocuments: [{ Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] }] })`;

function moduleFile(source: string, modifiedAtSeconds: number): string {
  const file = join(folder, "authorizer.mjs");
  writeFileSync(file, source);
  utimesSync(file, modifiedAtSeconds, modifiedAtSeconds);
  return file;
}

describe("a module", () => {
  test("gets the documented event, and answers", async () => {
    const check = `
      const { mqtt, tls, http } = event.protocolData;
      const isRight = mqtt.username === "device" && Buffer.from(mqtt.password, "base64").toString() === "right" &&
        mqtt.clientId === "c1" && tls.serverName.startsWith("emulator-ats") && http === undefined &&
        event.signatureVerified === false && event.protocols.join() === "tls,mqtt" &&
        /^[0-9a-f-]{36}$/.test(event.connectionMetadata.id) && !("token" in event) &&
        context.getRemainingTimeInMillis() > 0 && context.invokedFunctionArn.includes(":lambda:");`;
    const module = moduleFile(
      `export async function handler(event, context) { ${check} return isRight ? ${ADMIT} : { isAuthenticated: false }; }`,
      1000,
    );
    expect(await connackOf(await withHandler({ module }), { clientId: "c1" })).toBe(0);
  });

  test.each([
    [
      "a callback",
      `export function handler(event, context, callback) { setImmediate(() => callback(null, ${ADMIT})); }`,
    ],
    ["JSON text", `export const handler = () => JSON.stringify(${ADMIT});`],
    ["a default export's handler", `export default { handler: async () => ${ADMIT} };`],
  ])("may answer with %s", async (_how, source) => {
    expect(await connackOf(await withHandler({ module: moduleFile(source, 1000) }))).toBe(0);
  });

  test("is reloaded when it has changed", async () => {
    const module = moduleFile(`export const handler = () => ({ isAuthenticated: false });`, 1000);
    const emulator = await withHandler({ module });
    expect(await connackOf(emulator)).toBe(5);
    moduleFile(`export const handler = () => ${ADMIT};`, 2000);
    expect(await connackOf(emulator)).toBe(0);
    moduleFile(`export const handler = () => { throw new Error("no"); };`, 3000);
    expect(await connackOf(emulator)).toBe("closed");
    moduleFile(`export const handler = 1;`, 4000);
    expect(await connackOf(emulator)).toBe("closed");
    moduleFile(`this is no JavaScript`, 5000);
    expect(await connackOf(emulator)).toBe("closed");
  });
});

describe("an HTTP address", () => {
  let server: Server;
  let answer: (body: unknown) => { status?: number; headers?: Record<string, string>; body: string };
  let seen: { url: string | undefined; event: unknown };
  beforeEach(async () => {
    server = createServer(async (request, response) => {
      let text = "";
      for await (const chunk of request) text += String(chunk);
      seen = { url: request.url, event: JSON.parse(text) };
      const { status = 200, headers = {}, body } = answer(seen.event);
      response.writeHead(status, { connection: "close", ...headers }).end(body);
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  test("is asked by the Lambda invoke protocol", async () => {
    answer = () => ({ body: JSON.stringify(admitted()) });
    expect(await connackOf(await withHandler({ url: url() }))).toBe(0);
    expect(seen).toMatchObject({
      url: "/2015-03-31/functions/function/invocations",
      event: { signatureVerified: false, protocolData: { mqtt: { username: "device" } } },
    });
  });

  test.each([
    ["an error body of the runtime", { body: '{"errorMessage":"x","errorType":"Error"}' }],
    [
      "the function-error header",
      { headers: { "x-amz-function-error": "Unhandled" }, body: JSON.stringify(admitted()) },
    ],
    ["a status that is no success", { status: 500, body: JSON.stringify(admitted()) }],
    ["no JSON", { body: "<html>" }],
  ])("%s counts as a function that failed", async (_what, reply) => {
    answer = () => reply;
    expect(await connackOf(await withHandler({ url: url() }), { protocolVersion: 5 })).toBe(128);
  });
});

test("a refused device is logged with the reason, and without what it presented", async () => {
  const lines: string[] = [];
  const log = createLog("info", { write: (line: string) => lines.push(line) });
  const handler = {
    module: moduleFile(
      `export const handler = ({ protocolData: { mqtt } }) => {
         throw new Error("no match for " + Buffer.from(mqtt.password, "base64") + " " + mqtt.password);
       };`,
      1000,
    ),
  };
  const emulator = await withHandler(handler, {}, log);
  await connackOf(emulator, { clientId: "c1", password: "planted-secret" });
  const [failure = "", line = ""] = lines;
  expect(JSON.parse(failure)).toMatchObject({
    ...{ level: 40, authorizer: "open-door", face: "gateway", reason: expect.stringMatching(/^no match/) },
  });
  expect(lines.join()).not.toContain("planted-secret");
  expect(JSON.parse(line)).toMatchObject({
    eventType: "Connection.AuthNError",
    reason: "CUSTOM_AUTHORIZER_LAMBDA_EXECUTION_ERROR",
    details: expect.stringMatching(/^open-door: no match for <secret> <secret>/),
    clientId: "c1",
  });
});

test("by default its author hears why a function failed, whoever asked it", async () => {
  const lines: string[] = [];
  const log = createLog("warn", { write: (line: string) => lines.push(line) });
  const emulator = await withHandler({ table: [{ error: "no database" }] }, {}, log);
  await connackOf(emulator);
  const aws = client(emulator);
  const command = new TestInvokeAuthorizerCommand({ authorizerName: "open-door" });
  await expect(aws.send(command)).rejects.toMatchObject({ name: "InvalidResponseException" });
  const told = lines.map((line) => JSON.parse(line));
  const failed = { authorizer: "open-door", reason: "no database", msg: "the authorizer's function failed" };
  expect(told).toMatchObject([
    { ...failed, face: "gateway" },
    { ...failed, face: "api" },
  ]);
});

describe("time and lifetimes", () => {
  test("a function that takes over 5 seconds has failed, at the gateway and at the API", async () => {
    const handler = { table: [{ delayMs: 600_000, answer: admitted() }] };
    const emulator = await withHandler(handler, { functionSpeed: 100 });
    expect(await connackOf(emulator, { protocolVersion: 4 })).toBe("closed");
    expect(await connackOf(emulator, { protocolVersion: 5 })).toBe(128);
    const command = new TestInvokeAuthorizerCommand({ authorizerName: "open-door" });
    await expect(client(emulator).send(command)).rejects.toMatchObject({
      ...{ name: "InvalidResponseException", message: expect.stringContaining("within 5 seconds") },
    });
  });

  test("one that answers in time has not", async () => {
    const emulator = await withHandler({ table: [{ delayMs: 20, answer: admitted() }] });
    expect(await connackOf(emulator)).toBe(0);
  });

  test("a function that never answers is given up when the emulator stops", async () => {
    const emulator = await startTestEmulator({
      authorizers: [
        {
          name: "open-door",
          signingDisabled: true,
          handler: { table: [{ delayMs: 600_000, answer: admitted() }] },
        },
      ],
    });
    const code = connackOf(emulator);
    await new Promise((resolve) => setImmediate(resolve));
    await emulator.stop();
    expect(await code).toBe("closed");
  });

  test("the session ends after disconnectAfterInSeconds", async () => {
    const answer = { ...admitted(), disconnectAfterInSeconds: 300 };
    const emulator = await withHandler({ table: [{ answer }] }, { lifetimeSpeed: 10_000 });
    const client = await connectMqtt(emulator, { protocolVersion: 5 });
    const code = new Promise((resolve) => client.on("disconnect", ({ reasonCode }) => resolve(reasonCode)));
    expect(await code).toBe(0x98);
    await client.endAsync(true);
  });

  test("a refresh brings new policies, and ends the session where it fails", async () => {
    const module = moduleFile(
      `let calls = 0;
       const answer = (action) => ({ isAuthenticated: true, principalId: "p", refreshAfterInSeconds: 300,
         policyDocuments: [{ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: action, Resource: "*" }] }] });
       export const handler = () => {
         calls += 1;
         if (calls === 1) return answer(["iot:Connect", "iot:Subscribe", "iot:Publish"]);
         if (calls === 2) return answer("iot:*");
         return { isAuthenticated: false };
       };`,
      1000,
    );
    const emulator = await withHandler({ module }, { lifetimeSpeed: 1500 });
    const client = await connectMqtt(emulator, { protocolVersion: 5 });
    const gone = new Promise((resolve) => client.on("close", () => resolve("closed")));
    const got = new Promise((resolve) => client.on("message", () => resolve("received")));
    await client.subscribeAsync("a");
    // Not received until the first refresh adds iot:Receive.
    const sending = setInterval(() => client.publish("a", "x"), 10);
    expect(await got).toBe("received");
    expect(await gone).toBe("closed");
    clearInterval(sending);
    await client.endAsync(true);
  });
});

test("failedRefresh keep: the old policies stay in force, and the next refresh counts", async () => {
  const module = moduleFile(
    `let calls = 0;
     export const handler = () => {
       calls += 1;
       if (calls === 2) throw new Error("no database");
       return { ...${ADMIT}, refreshAfterInSeconds: 300, isAuthenticated: calls < 4 };
     };`,
    1000,
  );
  const lines: string[] = [];
  const log = createLog("info", { write: (line: string) => lines.push(line) });
  const behaviours = { failedRefresh: "keep" };
  const emulator = await withHandler({ module }, { lifetimeSpeed: 3000, behaviours }, log);
  const session = await connectMqtt(emulator, { protocolVersion: 5 });
  // The second call fails; from the fourth on the device is not authenticated.
  const refused = () => lines.filter((line) => line.includes("device refused"));
  await expect.poll(() => refused().length).toBeGreaterThanOrEqual(3);
  expect(refused().map((line) => JSON.parse(line).reason)).toEqual([
    "CUSTOM_AUTHORIZER_LAMBDA_EXECUTION_ERROR",
    ...refused()
      .slice(1)
      .map(() => "NOT_AUTHENTICATED"),
  ]);
  await session.publishAsync("a", "still here", { qos: 1 });
  await session.endAsync();
});

test("lifetimeOutOfRange clamp: the device is let in", async () => {
  const table = [{ answer: { ...admitted(), refreshAfterInSeconds: 5, disconnectAfterInSeconds: 1 } }];
  const behaviours = { lifetimeOutOfRange: "clamp" };
  expect(await connackOf(await withHandler({ table }, { behaviours }))).toBe(0);
  expect(await connackOf(await withHandler({ table }))).toBe("closed");
});

describe("an answer's limits", () => {
  const base = { isAuthenticated: true, principalId: "p", policyDocuments: [] };

  test.each([
    ["a principal id with a dash", { principalId: "a-b" }, 1],
    ["a principal id over 128 characters", { principalId: "x".repeat(129) }, 1],
    ["no principal id", { principalId: undefined }, 1],
    ["a principal id of 128 characters", { principalId: "x".repeat(128) }, 0],
    ["ten documents", { policyDocuments: Array.from({ length: 10 }, () => ({})) }, 0],
    ["eleven documents", { policyDocuments: Array.from({ length: 11 }, () => ({})) }, 1],
    ["a document of 2048 characters", { policyDocuments: [{ a: "x".repeat(2040) }] }, 0],
    ["a document of 2049 characters", { policyDocuments: [{ a: "x".repeat(2041) }] }, 1],
    ["white space does not count", { policyDocuments: [`{ "a": "x" ${" ".repeat(3000)} }`] }, 0],
    ["a document that is not JSON", { policyDocuments: ["{"] }, 1],
    ["a document that is a list", { policyDocuments: [[]] }, 1],
    ["no documents", { policyDocuments: undefined }, 1],
    ["a lifetime that is text", { refreshAfterInSeconds: "300" }, 1],
  ])("%s", (_what, changes, breaches) => {
    expect(readAnswer({ ...base, ...changes }, null)?.breaches).toHaveLength(breaches);
  });

  test("a device that is not authenticated needs nothing else", () => {
    expect(readAnswer({ isAuthenticated: false }, null)).toMatchObject({ breaches: [] });
  });

  test.each([undefined, null, 1, "", "x", "[]", [], { isAuthenticated: "true" }])(
    "%j is no answer",
    (raw) => {
      expect(readAnswer(raw, null)).toBeNull();
    },
  );

  test("lifetimes are kept within 300 to 86400 seconds", () => {
    expect([null, 0, 299, 300, 86_400, 86_401].map(clampLifetime)).toEqual([
      86_400, 300, 300, 300, 86_400, 86_400,
    ]);
    expect(readAnswer({ ...base, refreshAfterInSeconds: 299 }, null)?.lifetimeOutOfRange).toBe(true);
    expect(readAnswer({ ...base, disconnectAfterInSeconds: 86_401 }, null)?.lifetimeOutOfRange).toBe(true);
  });
});

test("an event holds only what was presented", () => {
  const nothing = authorizerEvent({ tls: null, http: null, mqtt: null }, { token: "t", verified: true });
  expect(nothing).toEqual({
    token: "t",
    signatureVerified: true,
    protocols: [],
    connectionMetadata: { id: expect.any(String) },
  });
  const all = authorizerEvent(
    {
      tls: { serverName: "s" },
      http: { headers: { a: "b" }, queryString: "?c=d" },
      mqtt: { username: "u?x=y", password: Buffer.from("p"), clientId: "" },
    },
    { token: null, verified: false },
  );
  expect(all).toMatchObject({
    protocols: ["tls", "http", "mqtt"],
    protocolData: {
      tls: { serverName: "s" },
      http: { headers: { a: "b" }, queryString: "?c=d" },
      mqtt: { username: "u?x=y", password: "cA==" },
    },
  });
  expect(all.protocolData?.mqtt).not.toHaveProperty("clientId");
});
