import { readFileSync } from "node:fs";
import { describe, expect, onTestFinished, test } from "vitest";
import { proveTopics, topicTests } from "../../src/connection/topics.ts";
import { probe } from "../../src/gateway/probers.ts";
import type { DeviceContext, Wire } from "../../src/model/context.ts";
import type { Expectation, Protocol } from "../../src/model/profile.ts";
import type { TopicAnswer } from "../../src/model/proof.ts";
import { Secret } from "../../src/model/secret.ts";
import { admitted, arn, ENDPOINT, policy, startTestEmulator, tableAuthorizer } from "../support/emulator.ts";
import { checkOf, profileOf, targetOf } from "../support/fixtures.ts";
import { wireOf } from "../support/gateway-input.ts";

const SIGNAL = new AbortController().signal;

/** May do everything under own/, publish but not subscribe to out/, and is delivered nothing from mute/. */
const POLICIES = [
  policy("iot:Connect", "*"),
  policy(["iot:Publish", "iot:Receive"], arn("topic/own/*")),
  policy("iot:Subscribe", [arn("topicfilter/own/*"), arn("topicfilter/mute/*")]),
  policy("iot:Publish", [arn("topic/out/*"), arn("topic/mute/*"), arn("topic/smoke/pump-1")]),
];

const EXPECT: Expectation = {
  ...profileOf().expect,
  publish: { allow: ["own/1", "out/1"], deny: ["other/1", "other/2"] },
  subscribe: { allow: ["own/+"], deny: ["out/1", "other/#"] },
  receive: { allow: ["own/1"], deny: ["mute/1", "other/1"] },
};

/** The answers the same way round as the expectations: expected allow first. */
async function prove(
  protocol: Protocol,
  version: 4 | 5,
  behaviours: object,
  expectation: Expectation = EXPECT,
): Promise<{ readonly answers: readonly TopicAnswer[]; readonly connections: number }> {
  const answer = admitted(...POLICIES);
  const rows = [
    { when: { username: "device", password: "right" }, answer },
    { when: { "headers.x-device": "pump-1" }, answer },
  ];
  const emulator = await startTestEmulator({ authorizers: [tableAuthorizer(rows)], behaviours });
  onTestFinished(() => emulator.stop());
  const credentials = { username: new Secret("device"), password: new Secret("right") };
  const tls = { serverName: ENDPOINT, alpn: protocol === "mqtt" ? ["mqtt"] : [] };
  // Shortens the wait for answers that do not come; the emulator takes it for 30 s.
  const connect = { mqttVersion: version, clientId: "pump-1", keepAliveSeconds: 1, ...credentials };
  const context: DeviceContext = {
    authorizer: null,
    tokenKey: null,
    wire: withHeader(wireOf(protocol, tls, connect)),
    request: { token: null, tokenSignature: null, httpContext: null, mqttContext: null, tlsContext: null },
    secrets: [new Secret("right")],
  };
  const target = targetOf({
    endpoint: ENDPOINT,
    address: emulator.host,
    port: emulator.port,
    ca: readFileSync(emulator.caFile, "utf8"),
  });
  const check = checkOf({ protocol }, { expect: expectation, mqttVersion: version, protocols: [protocol] });
  const tests = topicTests(check);
  let connections = 1;
  const once = { target, wire: context.wire, secrets: context.secrets, leaveIfSessionPresent: false };
  const outcome = await probe({ ...once, topics: tests, timeoutMs: 10_000, signal: SIGNAL });
  const ports = {
    pacer: { take: async () => {}, throttled: () => {}, connect: async () => () => {} },
    probe: (input: Parameters<typeof probe>[0]) => {
      connections += 1;
      return probe(input);
    },
  };
  const answers = await proveTopics({ check, context, target, tests, outcome }, ports, SIGNAL);
  return {
    answers: tests.flatMap((each) => answers.find(({ test: one }) => one === each) ?? []),
    connections,
  };
}

/** What stands for the device's credentials over https. */
function withHeader(wire: Wire): Wire {
  return wire.kind === "https" ? { ...wire, headers: { "x-device": new Secret("pump-1") } } : wire;
}

const short = (answers: readonly TopicAnswer[]) =>
  answers.map(({ test: { action, topic }, answer }) => `${action} ${topic} ${answer}`);

const ALLOWED = [
  "publish own/1 allowed",
  "publish out/1 allowed",
  "subscribe own/+ allowed",
  "receive own/1 allowed",
];

describe.each([
  ["mqtt", 4],
  ["mqtt", 5],
  ["wss", 4],
  ["wss", 5],
] as const)("%s, MQTT version %d", (protocol, version) => {
  const suffix = version === 4 ? "311" : "5";
  const behaviours = (publish: string, subscribe: string) => ({
    [`deniedPublish${suffix}`]: publish,
    [`deniedSubscribe${suffix}`]: subscribe,
  });

  test("a gateway that disconnects instead of answering", async () => {
    const { answers, connections } = await prove(protocol, version, behaviours("disconnect", "disconnect"));
    expect(short(answers)).toEqual([
      ...ALLOWED,
      "publish other/1 denied",
      "publish other/2 denied",
      "subscribe out/1 denied",
      "subscribe other/# denied",
      "receive mute/1 denied",
      "receive other/1 denied",
    ]);
    // One for each refusal, and another to see that the gateway lets the device in again.
    // The last refusal comes right after another and has to be asked alone; MQTT 5 says why it disconnects.
    expect(connections).toBe(version === 4 ? 7 : 6);
  }, 20_000);

  test("a gateway that answers needs one connection", async () => {
    const { answers, connections } = await prove(protocol, version, behaviours("keep", "keep"));
    // Over 3.1.1 a publish that is kept is dropped without a word.
    const denied = version === 4 ? "unanswered" : "denied";
    expect(short(answers)).toEqual([
      ...ALLOWED,
      `publish other/1 ${denied}`,
      `publish other/2 ${denied}`,
      "subscribe out/1 denied",
      "subscribe other/# denied",
      "receive mute/1 denied",
      "receive other/1 denied",
    ]);
    expect(connections).toBe(1);
  }, 20_000);
});

test("what the profile has wrong is denied where it should be allowed, and the other way round", async () => {
  const { answers } = await prove(
    "mqtt",
    5,
    {},
    {
      ...EXPECT,
      publish: { allow: ["other/1"], deny: ["own/1"] },
      subscribe: { allow: ["other/1"], deny: ["own/1"] },
      receive: { allow: ["mute/1"], deny: ["own/1"] },
    },
  );
  expect(short(answers)).toEqual([
    "publish other/1 denied",
    "subscribe other/1 denied",
    "receive mute/1 denied",
    "publish own/1 allowed",
    "subscribe own/1 allowed",
    "receive own/1 allowed",
  ]);
});

test("https publishes to each topic by itself", async () => {
  const { answers, connections } = await prove("https", 4, {});
  expect(answers.map(({ test: { topic }, answer, evidence }) => [topic, answer, evidence])).toEqual([
    ["own/1", "allowed", "HTTP 200"],
    ["out/1", "allowed", "HTTP 200"],
    ["other/1", "denied", expect.stringMatching(/^HTTP 403/)],
    ["other/2", "denied", expect.stringMatching(/^HTTP 403/)],
  ]);
  expect(connections).toBe(5);
});
