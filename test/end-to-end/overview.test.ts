import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { GateAnswer } from "../../src/model/gate-answer.ts";
import type { LatencyDistribution } from "../../src/model/latency.ts";
import type { DeviceResult, RunPoint } from "../../src/model/overview.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { type Bench, goodDevice, startBench, UNHURRIED } from "../support/fleet.ts";
import { type Program, start } from "../support/program.ts";

interface List<T> {
  readonly items: readonly T[];
}

let bench: Bench;
let daemon: Program;
let url: string;
beforeAll(async () => {
  const profiles = Array.from({ length: 24 }, (_, index) =>
    goodDevice(index, index < 4 ? { cohort: "valves", password: "wrong" } : {}),
  );
  const derived = { perCohort: 1, kinds: ["wrong-password"] };
  bench = await startBench({
    profiles,
    emulator: UNHURRIED,
    config: { suites: [{ name: "all", derived }], store: { path: "history.db" } },
  });
});
afterAll(() => bench?.end());

async function startDaemon(): Promise<void> {
  const started = start(["daemon", "--config", bench.configFile]);
  onTestFinished(async () => {
    started.process.kill("SIGKILL");
    await started.ended;
  });
  daemon = started;
  [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
}

async function get<T>(path: string, init: RequestInit = {}): Promise<T> {
  return (await (await fetch(`${url}${path}`, init)).json()) as T;
}

async function runOnce(): Promise<RunSummary> {
  const headers = { "content-type": "application/json" };
  const { runId } = await get<RunSummary>("/api/v1/runs", { method: "POST", headers, body: "{}" });
  const now = () => get<RunSummary>(`/api/v1/runs/${runId}`);
  await expect.poll(now, { timeout: 20_000 }).toMatchObject({ status: "finished" });
  return now();
}

describe("what the dashboard reads", () => {
  it("is one story, whichever route tells it, and the next process tells the same", async () => {
    await startDaemon();
    const { runId, suite, counts, agreement, latency, decidedAt, gate } = await runOnce();
    expect(counts).toMatchObject({ checks: 24, fail: 4 });
    expect(counts.derived).toBeGreaterThan(0);
    const tell = async () => {
      for (const { authorizer, gateway, checks } of agreement) {
        const cell = `authorizer=${authorizer}&gateway=${gateway}&derived=false&limit=200`;
        const { items } = await get<List<ResultRecord>>(`/api/v1/runs/${runId}/results?${cell}`);
        expect([authorizer, gateway, items.length]).toEqual([authorizer, gateway, checks]);
      }
      const [point] = (await get<List<RunPoint>>(`/api/v1/history?suite=${suite}`)).items;
      expect(point).toMatchObject({
        runId,
        checks: 24,
        fail: 4,
        decision: "no-go",
        decidedAt,
        isWhole: true,
      });
      expect(point?.connectP95).toBeGreaterThan(0);
      const times = (await get<List<LatencyDistribution>>(`/api/v1/runs/${runId}/latency`)).items;
      expect(times.map(({ buckets: _, ...row }) => row)).toEqual(latency);
      for (const { buckets, samples, max } of times) {
        expect(buckets.reduce((all, { count }) => all + count, 0)).toBe(samples);
        expect(buckets.at(-1)?.le).toBeGreaterThanOrEqual(max);
      }
      const device = await get<List<DeviceResult>>("/api/v1/devices/device-00000/results?limit=1");
      expect(device.items).toMatchObject([
        { runId, device: "device-00000", verdict: "fail", cohort: "valves" },
      ]);
      const [told] = (
        await get<List<{ answer: GateAnswer; rules: unknown; running: null; lastGo: null }>>("/api/v1/suites")
      ).items;
      expect(told).toMatchObject({ rules: gate?.rules, running: null, lastGo: null });
      const { data } = await get<{ readonly data: GateAnswer }>(`/api/v1/gate/${suite}`);
      expect(told?.answer).toEqual(data);
      return { point, times, device, told };
    };
    const before = await tell();
    daemon.process.kill("SIGTERM");
    expect(await daemon.ended).toBe(0);
    await startDaemon();
    expect(await tell()).toEqual(before);
  });
});
