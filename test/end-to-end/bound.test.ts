import { appendFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { IoTClient, UpdateAuthorizerCommand } from "@aws-sdk/client-iot";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import type { GateAnswer } from "../../src/model/gate-answer.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { type Bench, goodDevice, startBench, UNHURRIED } from "../support/fleet.ts";
import { type Program, start } from "../support/program.ts";

let bench: Bench | null = null;
let daemon: Program | null = null;
afterEach(async () => {
  daemon?.process.kill("SIGKILL");
  await daemon?.ended;
  await bench?.end();
  bench = null;
  daemon = null;
});

interface World extends Bench {
  readonly gate: (method: "GET" | "POST") => Promise<GateAnswer>;
  /** Asks until it is decided. */
  readonly decided: () => Promise<GateAnswer>;
  readonly run: (runId: string | null) => Promise<RunSummary>;
  readonly fleet: string;
}

async function startWorld(suite: object = {}, emulator: object = {}): Promise<World> {
  const profiles = Array.from({ length: 10 }, (_, index) =>
    goodDevice(index, { labels: { firmware: "4.2.0" } }),
  );
  const made = await startBench({
    profiles,
    emulator,
    config: {
      store: { path: "history.db" },
      suites: [{ name: "all", derived: { perCohort: 0 }, ...suite }],
    },
  });
  bench = made;
  daemon = start(["daemon", "--config", made.configFile]);
  const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
  const gate = async (method: "GET" | "POST") => {
    const response = await fetch(`${url}/api/v1/gate/all`, { method });
    return ((await response.json()) as { data: GateAnswer }).data;
  };
  const decided = async () => {
    await expect.poll(async () => (await gate("POST")).decision, { timeout: 30_000 }).not.toBe("running");
    return gate("GET");
  };
  const run = async (runId: string | null) =>
    (await (await fetch(`${url}/api/v1/runs/${runId}`)).json()) as RunSummary;
  return { ...made, gate, decided, run, fleet: join(made.folder, "fleet.ndjson") };
}

async function changeAuthorizer({ api }: Bench): Promise<void> {
  const credentials = { accessKeyId: "test", secretAccessKey: "test" };
  const client = new IoTClient({ region: "eu-west-1", endpoint: api, credentials });
  onTestFinished(() => client.destroy());
  await client.send(
    new UpdateAuthorizerCommand({ authorizerName: "passwords", tokenKeyName: "another-key" }),
  );
}

describe("a go", () => {
  it("names the realm it was made in, and what it is bound to", async () => {
    const world = await startWorld();
    const answer = await world.decided();
    expect(answer).toMatchObject({ decision: "go", ok: true, realm: "emulator" });
    const { fingerprint } = await world.run(answer.runId);
    expect(fingerprint).toMatchObject({
      firmware: ["4.2.0"],
      targets: [
        {
          target: "here",
          realm: "emulator",
          accountId: "123456789012",
          callerAccountId: { kind: "not-checked" },
          endpointIsOurs: { kind: "known", value: true },
          authorizers: [{ name: "passwords", state: { kind: "known" } }],
        },
      ],
    });
  });

  it("holds only for the profiles it was made with, byte for byte", async () => {
    const world = await startWorld();
    const { runId } = await world.decided();
    const before = await readFile(world.fleet);
    await appendFile(world.fleet, `${JSON.stringify(goodDevice(10))}\n`);
    expect(await world.gate("GET")).toMatchObject({
      decision: "inconclusive",
      ok: false,
      runId,
      reason: expect.stringContaining("the profiles changed since the decision (go)"),
    });
    await writeFile(world.fleet, before);
    expect(await world.gate("GET")).toMatchObject({ decision: "go", ok: true, runId });
  });

  it("holds no longer than its authorizers stay as they are; whoever asks then gets a new run", async () => {
    const world = await startWorld();
    const { runId } = await world.decided();
    await changeAuthorizer(world);
    // An answer is kept for a few seconds.
    await expect
      .poll(async () => (await world.gate("GET")).decision, { timeout: 20_000 })
      .toBe("inconclusive");
    expect((await world.gate("GET")).reason).toContain(
      "authorizer passwords changed since the decision (go)",
    );
    const again = await world.decided();
    expect(again.decision).toBe("go");
    expect(again.runId).not.toBe(runId);
  });

  it("is what the next run is compared with: who fails now is named", async () => {
    const world = await startWorld({ gate: { minPassRatio: 0, maxFailures: 10 } }, UNHURRIED);
    const first = await world.decided();
    expect((await world.run(first.runId)).drift).toBeNull();
    const devices = Array.from({ length: 9 }, (_, index) =>
      goodDevice(index, { labels: { firmware: "4.2.0" }, ...(index === 3 ? { password: "wrong" } : {}) }),
    );
    await writeFile(world.fleet, devices.map((device) => `${JSON.stringify(device)}\n`).join(""));
    const second = await world.decided();
    expect(second).toMatchObject({ decision: "go" });
    expect((await world.run(second.runId)).drift).toMatchObject({
      since: first.runId,
      newlyFailing: { checks: 1, examples: ["device-00003"] },
      recovered: { checks: 0 },
      newlyMissing: { checks: 1, examples: ["device-00009"] },
      latency: expect.arrayContaining([expect.objectContaining({ protocol: "mqtt" })]),
    });
  });
});
