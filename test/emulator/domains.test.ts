/** Which way in a domain configuration opens: each pair of types, ENABLED and DISABLED, with override and without. */
import { readFileSync } from "node:fs";
import { request } from "node:https";
import { DescribeEndpointCommand, IoTClient, ListAuthorizersCommand } from "@aws-sdk/client-iot";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { WebSocket } from "ws";
import {
  admitted,
  CALLER,
  connackOf,
  ENDPOINT,
  policy,
  startTestEmulator,
  type TestEmulator,
  tableAuthorizer,
} from "../support/emulator.ts";

const PAIRS = [
  ["AWS_X509", "SECURE_MQTT"],
  ["AWS_X509", "HTTPS"],
  ["CUSTOM_AUTH_X509", "SECURE_MQTT"],
  ["CUSTOM_AUTH_X509", "HTTPS"],
  ["AWS_SIGV4", "MQTT_WSS"],
  ["AWS_SIGV4", "HTTPS"],
  ["CUSTOM_AUTH", "SECURE_MQTT"],
  ["CUSTOM_AUTH", "MQTT_WSS"],
  ["CUSTOM_AUTH", "HTTPS"],
  ["DEFAULT", "DEFAULT"],
] as const;
const FIXED = "fixed.example";

function hostOf(authenticationType: string, applicationProtocol: string, status = "enabled"): string {
  return `${authenticationType}.${applicationProtocol}.${status}.example`.toLowerCase().replaceAll("_", "-");
}

let emulator: TestEmulator;
let halves: readonly TestEmulator[];
beforeAll(async () => {
  const domains = (status: "ENABLED" | "DISABLED") =>
    PAIRS.map(([authenticationType, applicationProtocol]) => ({
      name: `${authenticationType}-${applicationProtocol}`,
      serverName: hostOf(authenticationType, applicationProtocol, status.toLowerCase()),
      ...{ authenticationType, applicationProtocol, status, defaultAuthorizer: "open-door" },
    }));
  const rows = [
    { when: { username: "device", password: "right" }, answer: admitted() },
    { when: { "headers.x-password": "right" }, answer: admitted() },
  ];
  const authorizers = [tableAuthorizer(rows), tableAuthorizer(rows, { name: "other" })];
  const start = (all: readonly object[]) => startTestEmulator({ authorizers, domains: all });
  // AWS has ten domain configurations an account, and so has each emulator.
  halves = await Promise.all([
    start(domains("ENABLED")),
    start(domains("DISABLED")),
    start([
      { name: "d", serverName: FIXED, defaultAuthorizer: "open-door", allowAuthorizerOverride: false },
      { name: "iot:Data-ATS", serverName: ENDPOINT },
    ]),
  ]);
  [emulator] = halves as [TestEmulator];
});
afterAll(() => Promise.all(halves.map((each) => each.stop())));

/** `no answer`: the handshake fails, or the connection is closed. */
type Ended = "in" | "refused" | "no answer";

/** By MQTT over TLS. */
async function byMqtt(servername: string, at: TestEmulator): Promise<Ended> {
  const code = await connackOf(at, { servername, protocolVersion: 5 });
  if (code === "closed") return "no answer";
  return code === 0 ? "in" : "refused";
}

/** By a WebSocket's upgrade, and the CONNECT that follows it. */
async function byWebSocket(host: string, at: TestEmulator): Promise<Ended> {
  const tls = { ca: readFileSync(at.caFile), servername: host };
  return new Promise((resolve) => {
    const socket = new WebSocket(`wss://${at.gateway}/mqtt`, "mqtt", {
      ...{ ...tls, headers: { host, "x-password": "right" } },
    });
    socket.on("upgrade", () => resolve("in"));
    socket.on("unexpected-response", (_request, { statusCode }) =>
      resolve(statusCode === 403 ? "refused" : "no answer"),
    );
    socket.on("error", () => resolve("no answer"));
    onTestFinished(() => socket.terminate());
  });
}

async function byHttps(host: string, at: TestEmulator): Promise<Ended> {
  return new Promise((resolve) => {
    const sent = request({
      ...{ host: at.host, port: at.port, servername: host, ca: readFileSync(at.caFile), agent: false },
      ...{ method: "POST", path: "/topics/a?qos=0", headers: { host, "x-password": "right" } },
    });
    sent.on("response", (response) => {
      response.resume();
      resolve(response.statusCode === 200 ? "in" : response.statusCode === 403 ? "refused" : "no answer");
    });
    sent.on("error", () => resolve("no answer"));
    sent.end("x");
  });
}

async function ways(host: string, at: TestEmulator): Promise<readonly Ended[]> {
  return [await byMqtt(host, at), await byWebSocket(host, at), await byHttps(host, at)];
}

const NOWHERE = ["no answer", "no answer", "no answer"];

describe("a device with an authorizer's credentials, by MQTT, WebSocket and HTTPS", () => {
  test.each([
    ["CUSTOM_AUTH", "SECURE_MQTT", ["in", "no answer", "no answer"]],
    ["CUSTOM_AUTH", "MQTT_WSS", ["no answer", "in", "refused"]],
    ["CUSTOM_AUTH", "HTTPS", ["no answer", "no answer", "in"]],
    ["DEFAULT", "DEFAULT", ["in", "in", "in"]],
    ["AWS_SIGV4", "MQTT_WSS", ["no answer", "refused", "refused"]],
    ["AWS_SIGV4", "HTTPS", ["no answer", "no answer", "refused"]],
    ["AWS_X509", "SECURE_MQTT", NOWHERE],
    ["AWS_X509", "HTTPS", NOWHERE],
    ["CUSTOM_AUTH_X509", "SECURE_MQTT", NOWHERE],
    ["CUSTOM_AUTH_X509", "HTTPS", NOWHERE],
  ])("%s × %s: %j", async (authenticationType, applicationProtocol, expected) => {
    expect(await ways(hostOf(authenticationType, applicationProtocol), emulator)).toEqual(expected);
  });

  test("a DISABLED domain lets nobody in, whatever its types", async () => {
    const [, disabled] = halves as [TestEmulator, TestEmulator];
    for (const [authenticationType, applicationProtocol] of PAIRS) {
      const host = hostOf(authenticationType, applicationProtocol, "disabled");
      expect(await ways(host, disabled), host).not.toContain("in");
    }
    expect(await ways(hostOf("DEFAULT", "DEFAULT", "disabled"), disabled)).toEqual(Array(3).fill("refused"));
  });

  test("override disallowed: another authorizer may not be named, the default may", async () => {
    const [, , fixed] = halves as [TestEmulator, TestEmulator, TestEmulator];
    const naming = (authorizer: string) =>
      connackOf(fixed, {
        ...{ servername: FIXED, protocolVersion: 5 },
        username: `device?x-amz-customauthorizer-name=${authorizer}`,
      });
    expect([await naming("open-door"), await naming("other")]).toEqual([0, 135]);
  });
});

test.each([
  ["cn-north-1", "aws-cn", "emulator.iot.cn-north-1.amazonaws.com.cn"],
  ["us-gov-west-1", "aws-us-gov", "emulator.iot.us-gov-west-1.amazonaws.com"],
])("%s is of the partition %s, as its policies must say", async (region, partition, legacy) => {
  const allow = (aws: string) =>
    admitted(policy("iot:Connect", `arn:${aws}:iot:${region}:123456789012:client/*`));
  const other = await startTestEmulator({
    region,
    authorizers: [
      tableAuthorizer([{ when: { username: "here" }, answer: allow(partition) }, { answer: allow("aws") }]),
    ],
  });
  onTestFinished(() => other.stop());
  expect(await connackOf(other, { username: "here" })).toBe(0);
  expect(await connackOf(other, { username: "elsewhere" })).toBe(5);
  const aws = new IoTClient({ region, endpoint: other.api, credentials: { ...CALLER }, maxAttempts: 1 });
  onTestFinished(() => aws.destroy());
  const { endpointAddress } = await aws.send(new DescribeEndpointCommand({ endpointType: "iot:Data" }));
  expect(endpointAddress).toBe(legacy);
  const { authorizers } = await aws.send(new ListAuthorizersCommand({}));
  expect(authorizers?.[0]?.authorizerArn).toBe(
    `arn:${partition}:iot:${region}:123456789012:authorizer/open-door`,
  );
});

test("DescribeEndpoint names the domains of the built-in endpoints", async () => {
  const other = await startTestEmulator({
    domains: [
      { name: "iot:Data", serverName: "legacy.example" },
      { name: "iot:Data-ATS", serverName: ENDPOINT },
    ],
  });
  onTestFinished(() => other.stop());
  const endpointOf = async (endpointType: string, { api }: TestEmulator) => {
    const client = new IoTClient({
      ...{ region: "eu-west-1", endpoint: api, credentials: { ...CALLER }, maxAttempts: 1 },
    });
    onTestFinished(() => client.destroy());
    return (await client.send(new DescribeEndpointCommand({ endpointType }))).endpointAddress;
  };
  expect(await endpointOf("iot:Data", other)).toBe("legacy.example");
  expect(await endpointOf("iot:Data-ATS", other)).toBe(ENDPOINT);
  expect(await endpointOf("iot:Data", emulator)).toBe("emulator.iot.eu-west-1.amazonaws.com");
});
