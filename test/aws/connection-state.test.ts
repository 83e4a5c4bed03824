import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { IClientOptions } from "mqtt";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { createClients } from "../../src/aws/client.ts";
import { createConnectionState } from "../../src/aws/connection-state.ts";
import { createDataClients } from "../../src/aws/data-client.ts";
import { createDescribe } from "../../src/aws/describe.ts";
import type { ConnectionState } from "../../src/model/guard.ts";
import type { Observer } from "../../src/model/ports.ts";
import type { ReadyTarget } from "../../src/model/target.ts";
import { createPacer } from "../../src/run/pacer.ts";
import { awsError, ok, type ServerReply, startAwsServer } from "../support/aws-server.ts";
import { CALLER, connectMqtt, ENDPOINT, startTestEmulator, type TestEmulator } from "../support/emulator.ts";
import { targetOf } from "../support/fixtures.ts";
import { NEVER, useStaticCredentials } from "./aws-parts.ts";

const NO_QUESTIONS = { accessKeyId: "no-questions", secretAccessKey: "x", deny: ["GetConnection"] };
const NO_WAY = {
  ...{ accessKeyId: "no-way", secretAccessKey: "x" },
  deny: ["GetConnection", "GetThingConnectivityData"],
};
const NO_ENDPOINT = { accessKeyId: "no-endpoint", secretAccessKey: "x", deny: ["DescribeEndpoint"] };
const CUSTOM = "devices.example.com";

let emulator: TestEmulator;
beforeAll(async () => {
  emulator = await startTestEmulator({
    credentials: [CALLER, NO_QUESTIONS, NO_WAY, NO_ENDPOINT],
    domains: [
      { name: "iot:Data-ATS", serverName: ENDPOINT, defaultAuthorizer: "open-door" },
      {
        ...{ name: "custom", serverName: CUSTOM, defaultAuthorizer: "open-door" },
        ...{ authenticationType: "CUSTOM_AUTH", applicationProtocol: "SECURE_MQTT" },
      },
    ],
    faults: [{ match: { operation: "GetConnection", clientId: "ill" }, kind: "api-5xx" }],
  });
});
afterAll(() => emulator.stop());
beforeEach(useStaticCredentials);

interface Asked {
  readonly state: ConnectionState;
  /** Operation and code of each call about the client. */
  readonly calls: readonly string[];
}

type AwsRequest = Parameters<Observer["awsRequest"]>[0];

async function ask(
  clientId: string,
  credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } = CALLER,
  changes: Partial<ReadyTarget> = {},
): Promise<Asked> {
  const clients = createClients(credentials);
  const dataClients = createDataClients(clients);
  onTestFinished(() => {
    dataClients.close();
    clients.close();
  });
  const seen: AwsRequest[] = [];
  const observer = { awsRequest: (event: AwsRequest) => void seen.push(event) };
  const dependencies = { pacer: createPacer({}), observer, clients };
  const target = targetOf({
    ...{ endpoint: ENDPOINT, address: emulator.host, port: emulator.port },
    ...{ ca: readFileSync(emulator.caFile, "utf8"), controlPlaneEndpoint: emulator.api },
    ...{ budgets: { invokesPerSecond: 1000, connectsPerSecond: 1000, burst: 100 }, ...changes },
  });
  const read = createConnectionState({
    ...dependencies,
    dataClients,
    describe: createDescribe(dependencies),
  });
  const state = await read(target, clientId, NEVER);
  const calls = seen.filter(({ operation }) => operation.startsWith("Get"));
  return { state, calls: calls.map(({ operation, code }) => `${operation} ${code}`) };
}

async function wasConnected(clientId: string, options: IClientOptions = {}): Promise<void> {
  const client = await connectMqtt(emulator, { clientId, ...options });
  await client.endAsync();
}

async function isConnected(clientId: string): Promise<void> {
  const client = await connectMqtt(emulator, { clientId });
  onTestFinished(() => client.endAsync(true));
}

describe("GetConnection answers", () => {
  test("connected", async () => {
    await isConnected("there/ä 1");
    const { state, calls } = await ask("there/ä 1");
    expect(state).toEqual({
      ...{ kind: "connected", via: "GetConnection" },
      evidence: expect.stringMatching(/^GetConnection: connected since 2\d{3}-.*Z$/),
    });
    expect(calls).toEqual(["GetConnection ok"]);
  });

  test.each<[string, IClientOptions, "kept" | "none"]>([
    ["3.1.1, clean", { clean: true }, "none"],
    ["3.1.1, persistent", { clean: false }, "kept"],
    ["5, clean start", { protocolVersion: 5, clean: true }, "none"],
    [
      "5, clean start with an expiry",
      { protocolVersion: 5, clean: true, properties: { sessionExpiryInterval: 60 } },
      "kept",
    ],
    ["5, resumed without an expiry", { protocolVersion: 5, clean: false }, "none"],
  ])("offline, with what became of the session: %s", async (what, options, session) => {
    await wasConnected(what, options);
    expect((await ask(what)).state).toMatchObject({ kind: "offline", via: "GetConnection", session });
  });

  test("offline for a client that AWS does not know, its session not known", async () => {
    const { state, calls } = await ask("never-seen");
    expect(state).toMatchObject({ kind: "offline", via: "GetConnection", session: "unknown" });
    expect(calls).toEqual(["GetConnection ResourceNotFoundException"]);
  });

  test("of a device behind a domain for custom authentication, at the account's own endpoint", async () => {
    await wasConnected("behind");
    expect((await ask("behind", CALLER, { endpoint: CUSTOM })).state).toMatchObject({ kind: "offline" });
  });
});

describe("where GetConnection gives no answer", () => {
  test("the thing's connectivity counts, with its session", async () => {
    await wasConnected("thing-1", { clean: false });
    const { state, calls } = await ask("thing-1", NO_QUESTIONS);
    const via = "GetThingConnectivityData";
    expect(state).toMatchObject({ kind: "offline", via, session: "kept" });
    expect(calls).toEqual(["GetConnection AccessDeniedException", `${via} ok`]);
    await isConnected("thing-1");
    expect((await ask("thing-1", NO_QUESTIONS)).state).toMatchObject({ kind: "connected", via });
  });

  test("a thing without a session says nothing: it may connect under another id", async () => {
    expect((await ask("never-seen", NO_QUESTIONS)).state).toEqual({
      kind: "unknown",
      reason: expect.stringMatching(
        /^GetConnection: AccessDeniedException: .+; GetThingConnectivityData: no session of this client id/,
      ),
    });
  });

  test("nor does one whose name the client id cannot be", async () => {
    const { state, calls } = await ask("a b", NO_QUESTIONS);
    expect(state).toMatchObject({
      kind: "unknown",
      reason: expect.stringContaining("cannot be a thing's name"),
    });
    expect(calls).toEqual(["GetConnection AccessDeniedException"]);
  });

  test("without any permission the state is not known", async () => {
    await wasConnected("secretive");
    const { state, calls } = await ask("secretive", NO_WAY);
    expect(state).toMatchObject({
      kind: "unknown",
      reason: expect.stringContaining("AccessDeniedException"),
    });
    expect(calls).toHaveLength(2);
  });

  test("an outage is asked around too", async () => {
    await wasConnected("ill");
    expect((await ask("ill")).state).toMatchObject({ kind: "offline", via: "GetThingConnectivityData" });
  });

  test("a gateway that does not answer is given up in time", async () => {
    const { state } = await ask("nowhere", NO_WAY, { port: 1, timeouts: { invokeMs: 500, probeMs: 500 } });
    expect(state).toMatchObject({ kind: "unknown", reason: expect.stringMatching(/^GetConnection: \w+/) });
  });
});

describe("an endpoint that may be another account's", () => {
  test("offline there is not offline", async () => {
    await wasConnected("stray");
    const { state } = await ask("stray", CALLER, { endpoint: "a9-ats.iot.eu-west-1.amazonaws.com" });
    expect(state).toMatchObject({
      kind: "unknown",
      reason: expect.stringMatching(
        /^a9-ats\S+ is not known to belong to the account that was asked: no domain/,
      ),
    });
  });

  test("without DescribeEndpoint the domain's own name will do", async () => {
    await wasConnected("proven");
    expect((await ask("proven", NO_ENDPOINT)).state).toMatchObject({ kind: "offline" });
  });

  test("connected counts wherever it is", async () => {
    await isConnected("stray-2");
    const { state } = await ask("stray-2", CALLER, { endpoint: "a9-ats.iot.eu-west-1.amazonaws.com" });
    expect(state).toMatchObject({ kind: "connected" });
  });
});

test.each(["$GEN/1", "a+b", "a/#", "", "x".repeat(129)])(
  "nobody is asked about the client id %j",
  async (id) => {
    expect(await ask(id)).toEqual({ state: { kind: "unknown", reason: expect.any(String) }, calls: [] });
  },
);

test("an aborted question throws the signal's reason", async () => {
  const clients = createClients(CALLER);
  const dataClients = createDataClients(clients);
  onTestFinished(() => {
    dataClients.close();
    clients.close();
  });
  const dependencies = { pacer: createPacer({}), observer: { awsRequest: () => {} }, clients };
  const read = createConnectionState({
    ...dependencies,
    dataClients,
    describe: createDescribe(dependencies),
  });
  const target = targetOf({ controlPlaneEndpoint: emulator.api });
  await expect(read(target, "a", AbortSignal.abort(new Error("stopped")))).rejects.toThrow("stopped");
});

describe("answers of the control plane that AWS's documentation does not show", () => {
  /** The gateway is not there; the control plane answers about the endpoint and then what the test says. */
  async function told(reply: ServerReply): Promise<ConnectionState> {
    await using server = await startAwsServer(({ path }) =>
      path.startsWith("/endpoint") ? ok({ endpointAddress: ENDPOINT }) : reply,
    );
    const changes = { controlPlaneEndpoint: server.url, port: 1 };
    return (await ask("thing-1", CALLER, changes)).state;
  }

  test.each<[string, ServerReply]>([
    ["another client's", ok({ connected: false, clientId: "thing-2", cleanSession: true })],
    ["no client's", ok({ connected: false, cleanSession: true })],
    ["without a session", ok({ connected: false, clientId: "thing-1" })],
    ["without a state", ok({ clientId: "thing-1", cleanSession: true })],
    ["with a state that is none", ok({ connected: "no", clientId: "thing-1", cleanSession: true })],
    ["not found", awsError(404, "ResourceNotFoundException")],
    ["no JSON", { status: 200, body: "<html>" }],
    ["a broken line", "reset"],
  ])("%s: not known", async (_what, reply) => {
    expect(await told(reply)).toMatchObject({ kind: "unknown" });
  });

  test("whatever comes, it is offline only with a session and the client's own id", async () => {
    const field = fc.oneof(
      fc.boolean(),
      fc.string(),
      fc.integer(),
      fc.constant(null),
      fc.constant("thing-1"),
    );
    const body = fc.dictionary(
      fc.constantFrom(
        "connected",
        "clientId",
        "cleanSession",
        "sessionExpiry",
        "timestamp",
        "disconnectReason",
      ),
      field,
    );
    await fc.assert(
      fc.asyncProperty(body, async (answer) => {
        const state = await told(ok(answer));
        if (state.kind !== "offline") return;
        expect(answer).toMatchObject({ connected: false, clientId: "thing-1" });
        expect(typeof answer.cleanSession).toBe("boolean");
      }),
      { numRuns: 30 },
    );
  });
});
