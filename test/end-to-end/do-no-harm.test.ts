import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type IClientOptions, type MqttClient } from "mqtt";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { run } from "../support/program.ts";

const ENDPOINT = "emulator-ats.iot.eu-west-1.amazonaws.com";
/** Callers of AWS: who may ask everything, not the data plane, or nothing about connections. */
const CALLERS = {
  test: [],
  half: ["GetConnection"],
  blind: ["GetConnection", "GetThingConnectivityData"],
} as const;
type Caller = keyof typeof CALLERS;

/** Lets in who knows the password, and writes down whose client id it was asked for: by the API, or by a CONNECT. */
function authorizerModule(calls: string): string {
  return `
import { appendFileSync } from "node:fs";
export const handler = async (event) => {
  appendFileSync(${JSON.stringify(calls)}, (event.protocolData?.mqtt?.clientId ?? "") + "\\n");
  const password = Buffer.from(event.protocolData?.mqtt?.password ?? "", "base64").toString();
  return {
    isAuthenticated: password === "right", principalId: "device", refreshAfterInSeconds: 3600, disconnectAfterInSeconds: 86400,
    policyDocuments: [{ Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }] }],
  };
};`;
}

const ours = mkdtempSync(join(tmpdir(), "fleet-smoke-harm-"));
const calls = join(ours, "calls");
let bench: Bench;

/** One device a case: ids are used up by what happens to them. */
const CASES = ["a4", "a5", "b4", "b5", "c4", "c5", "h4", "h5"] as const;

beforeAll(async () => {
  writeFileSync(calls, "");
  writeFileSync(join(ours, "authorizer.mjs"), authorizerModule(calls));
  bench = await startBench({
    profiles: [
      ...CASES.flatMap((name) => [profile(`live-${name}`), profile(`away-${name}`)]),
      profile("wrong-4", { connect: { cleanSession: true } }),
      profile("wrong-5", { connect: { cleanSession: true, sessionExpirySeconds: 0 } }),
      profile("unstated-4", { connect: undefined }),
      ...["mine-1", "mine-2"].map((id) => profile(id, { identity: "dedicated", connect: undefined })),
    ],
    emulator: {
      credentials: Object.entries(CALLERS).map(([accessKeyId, deny]) => ({
        ...{ accessKeyId, secretAccessKey: "test", deny },
      })),
      authorizers: [
        { name: "counting", signingDisabled: true, handler: { module: join(ours, "authorizer.mjs") } },
      ],
      domains: [{ name: "iot:Data-ATS", serverName: ENDPOINT, defaultAuthorizer: "counting" }],
      // A device comes back when it likes.
      quotas: { invokesPerSecond: 1000, burst: 1000, connectsPerSecondPerClientId: 1000 },
    },
  });
}, 60_000);
afterAll(async () => {
  await bench?.end();
  rmSync(ours, { recursive: true, force: true });
});

/** A live device with a will, its session kept. The id's last letter is its MQTT version. */
function profile(id: string, changes: object = {}): Record<string, unknown> {
  const mqttVersion = id.endsWith("5") ? 5 : 4;
  const expiry = mqttVersion === 5 ? { sessionExpirySeconds: 3600 } : {};
  const connect = { cleanSession: false, ...expiry, will: { topic: `wills/${id}`, qos: 1 } };
  const names = { id, clientId: id, mqttVersion, username: id };
  return goodDevice(0, { ...names, identity: "device", authorizer: "counting", connect, ...changes });
}

interface Device {
  readonly id: string;
  readonly client: MqttClient;
  readonly messages: string[];
  readonly sessionPresent: boolean;
  /** How often its connection ended. */
  ends: number;
}

const devices: Device[] = [];
afterEach(async () => {
  await Promise.all(devices.splice(0).map(({ client }) => client.endAsync(true)));
});

/** A device of its own, in the hands of another MQTT library than ours. */
function device(id: string, options: IClientOptions = {}): Promise<Device> {
  const at = bench.gateway.lastIndexOf(":");
  const protocolVersion = id.endsWith("5") ? 5 : 4;
  const client = connect({
    ...{ protocol: "mqtts", host: bench.gateway.slice(0, at), port: Number(bench.gateway.slice(at + 1)) },
    ...{ servername: ENDPOINT, ca: readFileSync(join(bench.folder, "certificates/ca.pem")) },
    ...{
      ALPNProtocols: ["mqtt"],
      reconnectPeriod: 0,
      clientId: id,
      username: id,
      protocolVersion,
      clean: false,
    },
    ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 3600 } }),
    password: "right",
    will: { topic: `wills/${id}`, payload: Buffer.from("gone"), qos: 1, retain: false },
    ...options,
  });
  const messages: string[] = [];
  client.on("message", (topic, payload) => messages.push(`${topic} ${payload}`));
  return new Promise((resolve, reject) => {
    client.once("error", reject);
    client.once("connect", ({ sessionPresent }) => {
      const one = { id, client, messages, sessionPresent, ends: 0 };
      client.on("close", () => {
        one.ends += 1;
      });
      devices.push(one);
      resolve(one);
    });
  });
}

/** Everything that anybody's will says. */
async function watchWills(): Promise<Device> {
  const watcher = await device("watcher-4", { clean: true });
  await watcher.client.subscribeAsync("wills/#", { qos: 1 });
  return watcher;
}

async function publish(from: Device, topic: string, count: number): Promise<string[]> {
  const payloads = Array.from({ length: count }, (_, index) => String(index));
  for (const payload of payloads) await from.client.publishAsync(topic, payload, { qos: 1 });
  return payloads.map((payload) => `${topic} ${payload}`);
}

/** Subscribes, and goes offline with messages waiting. */
async function leaveWithQueue(id: string, sender: Device): Promise<string[]> {
  const away = await device(id);
  await away.client.subscribeAsync(`commands/${id}`, { qos: 1 });
  await away.client.endAsync();
  return publish(sender, `commands/${id}`, 3);
}

interface Told {
  readonly verdict: string;
  readonly cause: string | undefined;
  readonly gateway: string;
  readonly guard: object | null;
}

interface Ran {
  readonly code: number | string;
  readonly stdout: string;
  readonly stderr: string;
  readonly decision: string;
  readonly notes: readonly string[];
  readonly results: Readonly<Record<string, Told>>;
}

async function runOver(
  ids: readonly string[],
  flags: readonly string[],
  caller: Caller = "test",
): Promise<Ran> {
  const report = join(ours, "report.json");
  const args = ["run", "--config", bench.configFile, "--report", `json=${report}`, ...flags];
  const chosen = ids.flatMap((id) => ["--device", id]);
  const { code, stdout, stderr } = await run([...args, ...chosen], { env: { AWS_ACCESS_KEY_ID: caller } });
  const { decision, notes, results } = JSON.parse(readFileSync(report, "utf8")) as {
    readonly decision: string;
    readonly notes: readonly string[];
    readonly results: readonly {
      readonly device: string;
      readonly verdict: string;
      readonly gateway: string;
      readonly guard: object | null;
      readonly causes: readonly { readonly code: string }[];
    }[];
  };
  const told = results.map(({ device: id, verdict, gateway, guard, causes }) => [
    id,
    { verdict, cause: causes[0]?.code, gateway, guard },
  ]);
  return { code, stdout, stderr, decision, notes, results: Object.fromEntries(told) };
}

/** CONNECTs and API calls with this client id so far. */
function callsOf(id: string): number {
  return readFileSync(calls, "utf8")
    .split("\n")
    .filter((line) => line === id).length;
}

/** A live device and one that is away, with all that could be harmed about them. */
async function world(name: string) {
  const watcher = await watchWills();
  const live = await device(`live-${name}`);
  await live.client.subscribeAsync(`commands/${live.id}`, { qos: 1 });
  const queued = await leaveWithQueue(`away-${name}`, watcher);
  return {
    live,
    away: `away-${name}`,
    /** Of the live device: its own connection, and the question to the authorizer. */
    calls: () => ({ live: callsOf(live.id), away: callsOf(`away-${name}`) }),
    /** Is everything as it was? */
    unharmed: async () => {
      const sent = await publish(watcher, `commands/${live.id}`, 2);
      await expect.poll(() => live.messages).toEqual(sent);
      expect(live.client.connected).toBe(true);
      expect(live.ends).toBe(0);
      const back = await device(`away-${name}`);
      expect(back.sessionPresent).toBe(true);
      await expect.poll(() => back.messages).toEqual(queued);
      // A will would have come before this, which takes the same way.
      const marker = await publish(watcher, "wills/marker", 1);
      await expect.poll(() => watcher.messages).toEqual(marker);
    },
  };
}

const NOBODY = { connected: false, sessionPresent: null };

describe.each(["4", "5"])("a run over live devices, MQTT version %s", (version) => {
  it("leaves them alone", async () => {
    const { live, away, calls, unharmed } = await world(`a${version}`);
    const { code, results } = await runOver([live.id, away], []);
    const skipped = { verdict: "skipped", cause: "DEVICE_IDENTITY_GUARDED", gateway: "skipped", guard: null };
    expect(results).toEqual({ [live.id]: skipped, [away]: skipped });
    // Nothing was covered, and nothing is wrong with what was not.
    expect(code).toBe(4);
    expect(calls()).toEqual({ live: 2, away: 2 });
    await unharmed();
  });

  it("connects, if allowed, only as the one that AWS says is offline, and leaves its session at once", async () => {
    const { live, away, calls, unharmed } = await world(`b${version}`);
    const { results } = await runOver([live.id, away], ["--allow-device-identity", "5"]);
    expect(results).toEqual({
      [live.id]: {
        ...{ verdict: "skipped", cause: "CLIENT_ID_IN_USE", gateway: "skipped" },
        guard: { state: "connected", via: "GetConnection", evidence: expect.any(String), ...NOBODY },
      },
      [away]: {
        ...{ verdict: "pass", cause: undefined, gateway: "accepted" },
        guard: expect.objectContaining({ state: "offline", connected: true, sessionPresent: true }),
      },
    });
    expect(calls()).toEqual({ live: 2, away: 3 });
    await unharmed();
  });

  it("asks for the thing's connectivity where GetConnection is not permitted", async () => {
    const { live, away, calls, unharmed } = await world(`h${version}`);
    const { results } = await runOver([live.id, away], ["--allow-device-identity", "5"], "half");
    const via = "GetThingConnectivityData";
    expect(results).toMatchObject({
      [live.id]: { cause: "CLIENT_ID_IN_USE", guard: { state: "connected", via, ...NOBODY } },
      [away]: { verdict: "pass", guard: { state: "offline", via, connected: true, sessionPresent: true } },
    });
    expect(calls()).toEqual({ live: 2, away: 3 });
    await unharmed();
  });

  it("connects as nobody where it may not ask", async () => {
    const { live, away, calls, unharmed } = await world(`c${version}`);
    const { results } = await runOver([live.id, away], ["--allow-device-identity", "5"], "blind");
    const skipped = {
      ...{ verdict: "skipped", cause: "DEVICE_IDENTITY_GUARDED", gateway: "skipped" },
      guard: { state: "unknown", via: null, evidence: expect.stringContaining("AccessDenied"), ...NOBODY },
    };
    expect(results).toEqual({ [live.id]: skipped, [away]: skipped });
    expect(calls()).toEqual({ live: 2, away: 2 });
    await unharmed();
  });

  it("does not believe a profile that states no session where AWS knows of one", async () => {
    const id = `wrong-${version}`;
    const sender = await watchWills();
    const queued = await leaveWithQueue(id, sender);
    const { results } = await runOver([id], ["--allow-device-identity", "1"]);
    expect(results).toMatchObject({
      [id]: { cause: "DEVICE_IDENTITY_GUARDED", guard: { state: "offline", ...NOBODY } },
    });
    expect(callsOf(id)).toBe(2);
    const back = await device(id);
    await expect.poll(() => back.messages).toEqual(queued);
  });
});

describe("--allow-device-identity", () => {
  it("lifts the guard of so many checks and no more", async () => {
    const { results } = await runOver(["away-a4", "away-a5"], ["--allow-device-identity", "1"]);
    expect(results).toMatchObject({ "away-a4": { gateway: "accepted" }, "away-a5": { guard: null } });
  });

  it("is not enough for a device whose profile does not state its session", async () => {
    const { results } = await runOver(["unstated-4"], ["--allow-device-identity", "1"]);
    expect(results).toMatchObject({ "unstated-4": { cause: "DEVICE_IDENTITY_GUARDED", guard: NOBODY } });
    expect(callsOf("unstated-4")).toBe(1);
  });

  it.each(["-1", "1.5", "many"])("wants a whole number, not %s", async (value) => {
    const { code, stderr } = await run([
      "run",
      "--config",
      bench.configFile,
      `--allow-device-identity=${value}`,
    ]);
    expect(code).toBe(2);
    expect(stderr).toContain("--allow-device-identity: expected a whole number");
  });
});

describe("a dedicated client id that somebody else is connected with", () => {
  it("refuses the run: nothing is connected", async () => {
    const other = await device("mine-1");
    const { code, decision, notes, results, stdout } = await runOver(["mine-1", "mine-2"], []);
    expect(stdout).toMatch(
      /^\? INCONCLUSIVE.*\n +only devices mine-1, mine-2\n +CLIENT_ID_IN_USE: somebody is connected as "mine-1"/,
    );
    expect({ code, decision, results }).toEqual({ code: 4, decision: "inconclusive", results: {} });
    expect(notes).toEqual([expect.stringMatching(/^CLIENT_ID_IN_USE: .*"mine-1" on target here/)]);
    expect([callsOf("mine-1"), callsOf("mine-2")]).toEqual([1, 0]);
    expect(other.client.connected).toBe(true);
    expect(other.ends).toBe(0);
  });

  it("does not once it is gone", async () => {
    const { code, decision, notes } = await runOver(["mine-1", "mine-2"], []);
    expect({ code, decision, notes }).toEqual({ code: 0, decision: "go", notes: [] });
  });

  it("is not known where nobody may ask, which is told and forbids nothing", async () => {
    const { code, notes } = await runOver(["mine-1", "mine-2"], [], "blind");
    expect(code).toBe(0);
    expect(notes).toEqual([
      expect.stringMatching(/^target here: whether somebody else .* is not checked: GetC/),
    ]);
  });
});
