import { generateKeyPairSync, sign } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { OutgoingHttpHeaders } from "node:http";
import { request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { IClientOptions } from "mqtt";
import { Client } from "undici";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import {
  admitted,
  arn,
  connackOf,
  connectMqtt,
  ENDPOINT,
  nextMessage,
  policy,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";

const KEYS = generateKeyPairSync("rsa", { modulusLength: 2048 });
/** Its signature holds a `+`, which is what goes wrong where it is not URL-encoded. */
const [TOKEN = "", SIGNATURE = ""] = signedWithPlus();
const TRIO = {
  "x-amz-customauthorizer-name": "signed",
  "x-amz-customauthorizer-signature": SIGNATURE,
  "x-token": TOKEN,
};
const QUERY = new URLSearchParams(TRIO).toString();

let folder: string;
let config: object;
let emulator: TestEmulator;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "fleet-smoke-keys-"));
  const keyFile = join(folder, "fleet.pem");
  writeFileSync(keyFile, KEYS.publicKey.export({ type: "spki", format: "pem" }));
  config = {
    authorizers: [
      tableAuthorizer([
        { when: { username: "device", password: "right" }, answer: admitted() },
        { when: { "headers.x-password": "right" }, answer: admitted() },
        {
          when: { "headers.x-password": "narrow" },
          answer: admitted(policy("iot:Publish", arn("topic/mine/*"))),
        },
      ]),
      {
        name: "signed",
        tokenKeyName: "x-token",
        publicKeyFiles: { k: keyFile },
        handler: { table: [{ when: { token: TOKEN }, answer: admitted() }] },
      },
    ],
  };
  emulator = await startTestEmulator(config);
});
afterAll(async () => {
  await emulator.stop();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly status: number;
  readonly type: string | undefined;
  readonly body: string;
}

/** One HTTPS request on a connection of its own. */
function call(
  path: string,
  headers: OutgoingHttpHeaders = {},
  {
    method = "POST",
    body = "hello" as string | Buffer,
    servername = ENDPOINT,
    host = ENDPOINT,
    at = emulator,
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({
      host: at.host,
      port: at.port,
      servername,
      // Without SNI the name in the certificate is not what we dialled.
      checkServerIdentity: () => undefined,
      ca: readFileSync(at.caFile),
      agent: false,
      method,
      path,
      headers: { host, ...headers },
    });
    sent.on("error", reject);
    sent.on("response", (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk;
      });
      response.on("end", () => {
        const type = response.headers["x-amzn-errortype"];
        resolve({ status: response.statusCode ?? 0, type: type?.toString(), body: text });
      });
    });
    sent.end(method === "GET" ? undefined : body);
  });
}

const PASSWORD = { "x-password": "right" };

describe("HTTPS publish", () => {
  test("reaches subscribers", async () => {
    const subscriber = await connectMqtt(emulator, { clientId: "https-subscriber" });
    onTestFinished(() => subscriber.endAsync(true));
    await subscriber.subscribeAsync("a/b", { qos: 1 });
    const got = nextMessage(subscriber);
    const { status, body } = await call("/topics/a%2Fb?qos=1", PASSWORD);
    expect([status, JSON.parse(body)]).toEqual([200, { message: "OK", traceId: expect.any(String) }]);
    expect(await got).toMatchObject({ topic: "a/b", payload: "hello" });
  });

  test("carries the properties of MQTT 5", async () => {
    const subscriber = await connectMqtt(emulator, { clientId: "five", protocolVersion: 5 });
    onTestFinished(() => subscriber.endAsync(true));
    await subscriber.subscribeAsync("five", { qos: 1 });
    const got = new Promise((resolve) =>
      subscriber.once("message", (_topic, _payload, { properties }) => resolve(properties)),
    );
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    const answer = await call(
      "/topics/five?qos=1&contentType=text%2Fplain&responseTopic=r&messageExpiry=60",
      {
        ...PASSWORD,
        "x-amz-mqtt5-correlation-data": base64("c1"),
        "x-amz-mqtt5-payload-format-indicator": "UTF8_DATA",
        "x-amz-mqtt5-user-properties": base64('[{"a":"1"},{"b":"2"},{"a":"3"}]'),
      },
    );
    expect(answer.status).toBe(200);
    expect(await got).toMatchObject({
      ...{ contentType: "text/plain", responseTopic: "r", messageExpiryInterval: 60 },
      ...{ correlationData: Buffer.from("c1"), payloadFormatIndicator: true },
      userProperties: { a: ["1", "3"], b: "2" },
    });
  });

  test.each([
    ["/topics/a?messageExpiry=soon", {}],
    ["/topics/a?messageExpiry=4294967296", {}],
    ["/topics/a", { "x-amz-mqtt5-user-properties": "e30=" }],
    ["/topics/a", { "x-amz-mqtt5-user-properties": "not base64" }],
    ["/topics/a", { "x-amz-mqtt5-payload-format-indicator": "TEXT" }],
  ])("refuses a malformed property: %s %j", async (path, headers) => {
    const answer = await call(path, { ...PASSWORD, ...headers });
    expect([answer.status, answer.type]).toEqual([400, "InvalidRequestException:"]);
  });

  test("takes the authorizer's parameters from headers or the query string", async () => {
    expect((await call("/topics/a?qos=0", TRIO)).status).toBe(200);
    expect((await call(`/topics/a?qos=0&${QUERY}`)).status).toBe(200);
  });

  test.each([
    ["a wrong password", "/topics/a?qos=1", { "x-password": "wrong" }, 403, "Forbidden"],
    ["a policy that does not allow the topic", "/topics/a", { "x-password": "narrow" }, 403, "Forbidden"],
    ["a wrong signature", "/topics/a", { ...TRIO, "x-token": "t2" }, 403, "Forbidden"],
    ["an unknown authorizer", "/topics/a", { "x-amz-customauthorizer-name": "nobody" }, 403, "Forbidden"],
    ["QoS 2", "/topics/a?qos=2", PASSWORD, 400, "Invalid topic or qos"],
    ["a topic with a wildcard", "/topics/a%2F%23", PASSWORD, 400, "Invalid topic or qos"],
    ["no topic", "/topics/", PASSWORD, 400, "Invalid topic or qos"],
    ["a path that is not URL-encoded", "/topics/%zz", PASSWORD, 400, "Invalid topic or qos"],
    ["another path", "/other", PASSWORD, 403, "Missing Authentication Token"],
  ])("refuses %s", async (_what, path, headers, status, message) => {
    const answer = await call(path, headers);
    expect([answer.status, JSON.parse(answer.body).message]).toEqual([status, message]);
  });

  test("allows what the policy allows, without iot:Connect", async () => {
    expect((await call("/topics/mine%2Fa", { "x-password": "narrow" })).status).toBe(200);
  });

  test("takes 128 KB and refuses more", async () => {
    expect((await call("/topics/a", PASSWORD, { body: Buffer.alloc(128 * 1024) })).status).toBe(200);
    expect((await call("/topics/a", PASSWORD, { body: Buffer.alloc(128 * 1024 + 1) })).status).toBe(413);
  });

  test("other methods are not allowed", async () => {
    expect((await call("/topics/a", PASSWORD, { method: "PUT" })).status).toBe(405);
  });

  test("a Host header will do instead of SNI", async () => {
    expect((await call("/topics/a", PASSWORD, { servername: "" })).status).toBe(200);
    expect((await call("/topics/a", PASSWORD, { servername: "", host: "elsewhere.example" })).status).toBe(
      403,
    );
  });

  test("without authorizer and default there is no authentication token", async () => {
    const bare = await startTestEmulator({ domains: [{ name: "iot:Data-ATS", serverName: ENDPOINT }] });
    onTestFinished(() => bare.stop());
    const { status, type, body } = await call("/topics/a", {}, { at: bare });
    expect([status, type, JSON.parse(body).message]).toEqual([
      403,
      "ForbiddenException:",
      "Missing Authentication Token",
    ]);
  });

  test("switches: status 401, an empty body, iot:Connect needed", async () => {
    const odd = await startTestEmulator({
      ...config,
      behaviours: { httpsRefusalStatus: 401, httpsBody: "empty", httpsNeedsConnect: true },
    });
    onTestFinished(() => odd.stop());
    expect((await call("/topics/a", {}, { at: odd })).status).toBe(401);
    expect(await call("/topics/a", PASSWORD, { at: odd })).toMatchObject({ status: 200, body: "" });
    expect((await call("/topics/mine%2Fa", { "x-password": "narrow" }, { at: odd })).status).toBe(403);
  });
});

test("a persistent connection caches the answer where the authorizer says so", async () => {
  const counting = join(folder, "counting.mjs");
  writeFileSync(
    counting,
    `let calls = 0;
     export const handler = () => ({ isAuthenticated: ++calls === 1, principalId: "p", policyDocuments: [
       { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] }] });`,
  );
  const caching = await startTestEmulator({
    authorizers: [
      { name: "open-door", signingDisabled: true, enableCachingForHttp: true, handler: { module: counting } },
    ],
  });
  const client = new Client(`https://${caching.gateway}`, {
    connect: { servername: ENDPOINT, ca: readFileSync(caching.caFile) },
  });
  onTestFinished(async () => {
    await client.close();
    await caching.stop();
  });
  const publish = async (headers: Record<string, string>) => {
    const all = { host: ENDPOINT, ...headers };
    const { statusCode, body } = await client.request({
      method: "POST",
      path: "/topics/a",
      headers: all,
      body: "x",
    });
    await body.dump();
    return statusCode;
  };
  expect(await publish({})).toBe(200);
  // The function would say no to a second question; other credentials are one.
  expect(await publish({})).toBe(200);
  expect(await publish({ "x-other": "credentials" })).toBe(403);
});

type WebSocketOptions = Pick<IClientOptions, "protocolVersion" | "clientId"> & {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  readonly headers?: object;
  readonly query?: string;
};

/** MQTT.js types do not know the TLS options that `ws` passes on. */
const TLS = { servername: ENDPOINT } as object;

function webSocket({ headers = {}, query = "", ...rest }: WebSocketOptions = {}): IClientOptions {
  return {
    protocol: "wss",
    path: `/mqtt${query}`,
    ALPNProtocols: [],
    wsOptions: { headers: { host: ENDPOINT, ...headers }, ca: readFileSync(emulator.caFile), ...TLS },
    ...rest,
  } as IClientOptions;
}

describe.each([4, 5] as const)("MQTT %i over WebSocket", (protocolVersion) => {
  const refusedCode = protocolVersion === 4 ? 5 : 135;
  const bare = { protocolVersion, username: undefined, password: undefined };

  test.each([
    ["in CONNECT", {}],
    ["in headers", { ...bare, headers: TRIO }],
    ["in headers of another case", { ...bare, headers: upperCased(TRIO) }],
    ["in the query string", { ...bare, query: `?${QUERY}` }],
    ["in the user name", { username: `x?${QUERY}` }],
    ["in the user name, the signature not URL-encoded", { username: `x?${plain(TRIO)}` }],
    ["split between query string and CONNECT", { query: "?x-amz-customauthorizer-name=open-door" }],
  ])("credentials %s are accepted", async (_where, options) => {
    const code = await connackOf(
      emulator,
      webSocket({ protocolVersion, clientId: `wss-${protocolVersion}`, ...options }),
    );
    expect(code).toBe(0);
  });

  test("a wrong password is refused after CONNECT", async () => {
    expect(await connackOf(emulator, webSocket({ protocolVersion, password: "wrong" }))).toBe(refusedCode);
  });

  test("a message goes from publisher to subscriber", async () => {
    const client = await connectMqtt(
      emulator,
      webSocket({ protocolVersion, clientId: `wss-own-${protocolVersion}` }),
    );
    onTestFinished(() => client.endAsync(true));
    const got = nextMessage(client);
    await client.subscribeAsync("w/#", { qos: 1 });
    await client.publishAsync("w/a", "hello", { qos: 1 });
    expect(await got).toMatchObject({ payload: "hello" });
  });
});

describe("the WebSocket upgrade", () => {
  test.each([
    ["a wrong signature", "/mqtt", { ...TRIO, "x-token": "t2" }, 403],
    [
      "an unknown authorizer with a signature",
      "/mqtt",
      { ...TRIO, "x-amz-customauthorizer-name": "no" },
      403,
    ],
    ["another path", "/other", {}, 403],
  ])("refuses %s", async (_what, path, headers, status) => {
    expect(await upgradeStatus(path, headers)).toBe(status);
  });

  test("status and moment are switches", async () => {
    const odd = await startTestEmulator({ ...config, behaviours: { upgradeRefusalStatus: 401 } });
    const late = await startTestEmulator({ ...config, behaviours: { upgradeChecks: "late" } });
    const early = await startTestEmulator({ ...config, behaviours: { webSocketAuthorizer: "at-upgrade" } });
    onTestFinished(async () => {
      for (const each of [odd, late, early]) await each.stop();
    });
    const wrong = { ...TRIO, "x-token": "t2" };
    expect(await upgradeStatus("/mqtt", wrong, odd)).toBe(401);
    expect(await upgradeStatus("/mqtt", wrong, late)).toBe(101);
    expect(await upgradeStatus("/mqtt", { "x-password": "wrong" }, early)).toBe(403);
    expect(await upgradeStatus("/mqtt", { "x-password": "right" }, early)).toBe(101);
  });

  test("a GET without upgrade is answered with 426", async () => {
    expect((await call("/mqtt", {}, { method: "GET" })).status).toBe(426);
  });

  test("text frames end the connection", async () => {
    const socket = open("/mqtt", {});
    const code = new Promise((resolve) => socket.on("close", resolve));
    socket.on("open", () => socket.send("text"));
    expect(await code).toBeOneOf([1003, 1005, 1006]);
  });
});

test("the two faces disagree where a row has a gatewayAnswer", async () => {
  const split = await startTestEmulator({
    authorizers: [
      tableAuthorizer([
        { when: { username: "device" }, answer: admitted(), gatewayAnswer: { isAuthenticated: false } },
      ]),
    ],
  });
  onTestFinished(() => split.stop());
  expect(await connackOf(split)).toBe(5);
});

describe("a user name's parameters", () => {
  const direct = (username: string) =>
    connackOf(emulator, { username, clientId: "parameters", protocolVersion: 5 });

  test("a URL-encoded signature is accepted, unencoded + and double encoding are not", async () => {
    expect(await direct(`x?${QUERY}`)).toBe(0);
    expect(
      await direct(
        `x?${QUERY.replace(encodeURIComponent(SIGNATURE), encodeURIComponent(encodeURIComponent(SIGNATURE)))}`,
      ),
    ).toBe(135);
    expect(await direct(`x?${plain(TRIO)}`)).toBe(135);
  });

  test("an SDK's own parameters do no harm, a second question mark does", async () => {
    expect(await direct(`x?SDK=NodeJSv2&Version=1&${QUERY}`)).toBe(0);
    expect(await direct(`x?${QUERY}?SDK=JavaV2&Version=1`)).toBe(135);
  });

  test("the token's key is taken literally", async () => {
    expect(await direct(`x?${QUERY.replace("x-token", "X-Token")}`)).toBe(135);
  });

  test("values that disagree are refused", async () => {
    expect(await direct(`x?${QUERY}&x-token=t2`)).toBe(135);
    expect(await direct(`x?${QUERY}&x-token=${TOKEN}`)).toBe(0);
  });
});

function signedWithPlus(): [token: string, signature: string] {
  for (let count = 0; ; count++) {
    const token = `t1.${count}`;
    const signature = sign("sha256", Buffer.from(token), KEYS.privateKey).toString("base64");
    if (signature.includes("+")) return [token, signature];
  }
}

function plain(parameters: Readonly<Record<string, string>>): string {
  return Object.entries(parameters)
    .map(([key, value]) => `${key}=${value}`)
    .join("&");
}

function upperCased(headers: Readonly<Record<string, string>>): object {
  return Object.fromEntries(Object.entries(headers).map(([key, value]) => [key.toUpperCase(), value]));
}

function open(path: string, headers: object, at = emulator): WebSocket {
  return new WebSocket(`wss://${at.gateway}${path}`, "mqtt", {
    ca: readFileSync(at.caFile),
    headers: { host: ENDPOINT, ...headers },
    ...TLS,
  });
}

function upgradeStatus(path: string, headers: object, at = emulator): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const socket = open(path, headers, at);
    socket.on("unexpected-response", (_request, response) => {
      resolve(response.statusCode);
      socket.terminate();
    });
    socket.on("open", () => {
      resolve(101);
      socket.terminate();
    });
    socket.on("error", reject);
  });
}
