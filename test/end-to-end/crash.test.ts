import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { ResultRecord } from "../../src/model/result.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { History } from "../../src/store/history.ts";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { type Program, start } from "../support/program.ts";

const CHECKS = 1000;
const WRONG = 10;
/** Longest life of a daemon before it is killed: from before it listens to well into its checks. */
const LIFE_MS = 3_000;

let bench: Bench | null = null;
let daemon: Program | null = null;
afterEach(async () => {
  daemon?.process.kill("SIGKILL");
  await daemon?.ended;
  await bench?.end();
  bench = null;
  daemon = null;
});

/** Mulberry32: the points at which a run that failed was killed can be had again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** WRONG of the devices are refused. */
async function startFleet(checks: number, perCohort: number): Promise<Bench> {
  const profiles = Array.from({ length: checks }, (_, index) =>
    goodDevice(index, index % (checks / WRONG) === 20 ? { password: "wrong" } : {}),
  );
  bench = await startBench({
    profiles,
    target: { concurrency: 32, timeouts: { invoke: "30s", probe: "30s" } },
    config: { store: { path: "history.db" }, suites: [{ name: "all", derived: { perCohort } }] },
    // What it refuses because a client id came twice within a second stands in its log.
    emulatorEnv: { FLEET_SMOKE_LOG_LEVEL: "info" },
  });
  return bench;
}

async function listening({ configFile }: Bench): Promise<string> {
  daemon = start(["daemon", "--config", configFile]);
  const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
  return url;
}

async function trigger(url: string): Promise<string> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/api/v1/runs`, { method: "POST", headers, body: "{}" });
  return ((await response.json()) as RunSummary).runId;
}

async function runOf(url: string, runId: string): Promise<RunSummary> {
  return (await (await fetch(`${url}/api/v1/runs/${runId}`)).json()) as RunSummary;
}

async function finished(url: string, runId: string): Promise<RunSummary> {
  await expect.poll(async () => (await runOf(url, runId)).status, { timeout: 50_000 }).toBe("finished");
  return runOf(url, runId);
}

/** Ends the daemon as an operator does, and reads what it kept. */
async function keptResults({ folder }: Bench, runId: string): Promise<ResultRecord[]> {
  daemon?.process.kill("SIGTERM");
  expect(await daemon?.ended).toBe(0);
  const opened = History.open(join(folder, "history.db"));
  if (opened.kind !== "open") throw new Error(opened.message);
  using history = opened.history;
  expect(history.list({ suite: null, cursor: null, limit: 10 })).toHaveLength(1);
  return [...history.inPlanOrder(runId)];
}

/** Kills the daemon at a random point of its life, `times` over. */
async function killOften(fleet: Bench, times: number, chance: () => number): Promise<void> {
  for (let kill = 0; kill < times; kill += 1) {
    daemon?.process.kill("SIGKILL");
    await daemon?.ended;
    daemon = start(["daemon", "--config", fleet.configFile]);
    await sleep(chance() * LIFE_MS);
  }
  daemon?.process.kill("SIGKILL");
  await daemon?.ended;
}

describe("a run whose daemon is killed", () => {
  const seed = Number(process.env.FLEET_SMOKE_TEST_SEED ?? Date.now() % 2 ** 31);

  it(`ten times over has 1,000 results and the same decision as if it never was (seed ${seed})`, async () => {
    const fleet = await startFleet(CHECKS, 0);
    const runId = await trigger(await listening(fleet));
    const chance = random(seed);
    await sleep(chance() * LIFE_MS);
    await killOften(fleet, 9, chance);

    const url = await listening(fleet);
    expect(daemon?.stderr()).toContain('"msg":"resuming"');
    const summary = await finished(url, runId);
    expect(summary).toMatchObject({
      status: "finished",
      decision: "no-go",
      counts: { planned: CHECKS, checks: CHECKS, pass: CHECKS - WRONG, fail: WRONG, notRun: 0, derived: 0 },
      notes: [],
    });
    const results = await keptResults(fleet, runId);
    expect(results.map(({ seq }) => seq)).toEqual(Array.from({ length: CHECKS }, (_, seq) => seq));
    expect(new Set(results.map(({ device }) => device)).size).toBe(CHECKS);
    expect(fleet.emulator.stderr()).not.toContain("ClientRate");
  });

  it(`derives what it would have derived (seed ${seed})`, async () => {
    const checks = 300;
    const fleet = await startFleet(checks, 2);
    let url = await listening(fleet);
    const runId = await trigger(url);
    const chance = random(seed + 1);
    for (const done of [checks / 2, checks - 2, checks - 1]) {
      await expect
        .poll(async () => (await runOf(url, runId)).counts.checks, { timeout: 30_000, interval: 20 })
        .toBeGreaterThanOrEqual(done - Math.floor(chance() * 3));
      daemon?.process.kill("SIGKILL");
      await daemon?.ended;
      url = await listening(fleet);
    }
    const { counts, decision } = await finished(url, runId);
    expect({ counts, decision }).toMatchObject({
      decision: "no-go",
      counts: { planned: checks, checks, pass: checks - WRONG, fail: WRONG, notRun: 0, derived: 4 },
    });
    const derived = (await keptResults(fleet, runId)).slice(checks);
    expect(derived.map(({ derived: kind, verdict }) => `${kind}: ${verdict}`).sort()).toEqual([
      "no-sni: pass",
      "no-sni: pass",
      "wrong-password: pass",
      "wrong-password: pass",
    ]);
    expect(fleet.emulator.stderr()).not.toContain("ClientRate");
  });
});

describe("a daemon that is told to stop", () => {
  it("ends in 10 s though devices hang, and the next one does what is left", async () => {
    const profiles = Array.from({ length: 40 }, (_, index) => goodDevice(index));
    const hanging = { match: { clientId: "/^device-0000[0-3]$/" }, kind: "silent" };
    bench = await startBench({
      profiles,
      emulator: { faults: [hanging], admin: { enabled: true } },
      target: {
        concurrency: 4,
        timeouts: { invoke: "30s", probe: "30s" },
        budgets: { invokesPerSecond: 100, connectsPerSecond: 100, burst: 1 },
      },
      config: { store: { path: "history.db" }, suites: [{ name: "all", derived: { perCohort: 0 } }] },
    });
    const url = await listening(bench);
    const runId = await trigger(url);
    // Devices that hang take every place in flight.
    const page = async () => await (await fetch(`${url}/metrics`)).text();
    await expect.poll(page, { timeout: 10_000 }).toMatch(/budget_used_total\{.*"Connect"\} 4$/m);
    daemon?.process.kill("SIGTERM");
    const tooLate = setTimeout(() => daemon?.process.kill("SIGKILL"), 10_000);
    expect(await daemon?.ended).toBe(0);
    clearTimeout(tooLate);

    expect((await fetch(`${bench.api}/-/faults`, { method: "DELETE" })).status).toBe(200);
    const { decision, counts } = await finished(await listening(bench), runId);
    expect({ decision, counts }).toMatchObject({
      decision: "go",
      counts: { planned: 40, checks: 40, pass: 40 },
    });
    expect(await keptResults(bench, runId)).toHaveLength(40);
  });
});
