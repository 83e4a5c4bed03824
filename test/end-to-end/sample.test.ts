import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { Plan } from "../../src/model/plan.ts";
import type { RunSummary } from "../../src/model/run.ts";
import type { JsonReport } from "../../src/report/json.ts";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { type Program, run, start } from "../support/program.ts";

const PUMPS = 200;
const DEVICES = [
  ...Array.from({ length: PUMPS }, (_, at) => goodDevice(at)),
  ...Array.from({ length: 40 }, (_, at) =>
    goodDevice(PUMPS + at, { cohort: "valves", protocol: ["mqtt", "wss"] }),
  ),
  ...Array.from({ length: 3 }, (_, at) => goodDevice(300 + at, { cohort: "meters" })),
  // Kept out although it should get in: the authorizer says why.
  goodDevice(400, { cohort: "lost", password: "wrong" }),
  goodDevice(401, { cohort: "lost" }),
  // What the gateway cannot show by itself.
  goodDevice(500, { cohort: "mixed", password: "wrong", expect: "deny" }),
  goodDevice(501, { cohort: "mixed", expect: { access: "allow", principalId: "device" } }),
  goodDevice(502, { cohort: "mixed", identity: "device" }),
  goodDevice(503, { cohort: "mixed" }),
];
const HEALTHY = ["pumps", "valves", "meters"];
const NO_DERIVED = { derived: { perCohort: 0 } };

let bench: Bench;
let runs = 0;

beforeAll(async () => {
  bench = await startBench({
    profiles: DEVICES,
    config: {
      suites: [
        { name: "strict", cohorts: HEALTHY, ...NO_DERIVED },
        {
          name: "content",
          cohorts: HEALTHY,
          gate: { minPassRatio: 0.5 },
          cohortGates: { meters: { minPassRatio: 0 } },
          ...NO_DERIVED,
        },
        { name: "some", authorizer: "sample", ...NO_DERIVED },
        { name: "later", authorizer: "on-disagreement", derived: { perCohort: 1 } },
      ],
    },
  });
});
afterAll(() => bench?.end());

async function reportOf(code: number, ...args: string[]): Promise<{ report: JsonReport; stdout: string }> {
  const file = join(bench.folder, `report-${runs++}.json`);
  const ended = await run(["run", "--config", bench.configFile, "--report", `json=${file}`, ...args]);
  expect(ended.stderr).not.toMatch(/error/i);
  expect(ended.code).toBe(code);
  return { report: JSON.parse(await readFile(file, "utf8")) as JsonReport, stdout: ended.stdout };
}

describe("a sample", () => {
  it("draws from each cohort, with all checks of a device, and says which failure rate it excludes", async () => {
    const { report, stdout } = await reportOf(0, "--suite", "content", "--sample", "10%");
    const { results, sample, counts } = report;
    const of = (cohort: string) =>
      new Set(results.filter((each) => each.cohort === cohort).map(({ device }) => device));
    expect(HEALTHY.map((cohort) => of(cohort).size)).toEqual([20, 4, 1]);
    expect(results.filter(({ cohort }) => cohort === "valves")).toHaveLength(8);
    expect(counts).toMatchObject({ planned: 29, checks: 29, pass: 29 });
    expect(sample).toMatchObject({ seed: report.runId, devices: 25, ofDevices: 243, size: { percent: 10 } });
    expect(sample?.bounds).toContainEqual({
      ...{ target: "here", cohort: "pumps", devices: 20, ofDevices: PUMPS, decided: 20, failed: 0 },
      ...{ failureRate: 0.15, confidence: 0.95 },
    });
    expect(stdout).toContain("25 of 243 devices were drawn (10 %");
    expect(stdout.replace(/\s+/g, " ")).toContain(
      "pumps on here: 0 of 20 checks failed; with 95 % confidence no more than 15 % of 200 devices do",
    );
    expect(stdout).toContain("only a sample (10 %)");
  });

  it("does not show a pass ratio of 1: inconclusive, neither go nor no-go", async () => {
    const { report, stdout } = await reportOf(4, "--suite", "strict", "--sample", "50");
    expect(report.decision).toBe("inconclusive");
    expect(report.counts).toMatchObject({ fail: 0, inconclusive: 0, notRun: 0 });
    expect(report.reason).toMatch(/minPassRatio is [\d.]+ at worst \(1 in the sample\), threshold 1/);
    expect(stdout).toContain("INCONCLUSIVE");
  });

  it("is a go where all devices are drawn", async () => {
    const { report } = await reportOf(0, "--suite", "strict", "--sample", "243");
    expect(report.counts.checks).toBe(283);
    expect(report.sample?.bounds.map(({ failureRate }) => failureRate)).toEqual([0, 0, 0]);
  });
});

describe("a sample over the API", () => {
  let daemon: Program | null = null;
  afterEach(async () => {
    daemon?.process.kill("SIGKILL");
    await daemon?.ended;
  });

  async function listening(configFile: string): Promise<string> {
    daemon = start(["daemon", "--config", configFile]);
    const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
    return url;
  }

  async function json<T>(url: string, init: RequestInit = {}): Promise<T> {
    return (await (await fetch(url, init)).json()) as T;
  }

  it("goes on with the devices it drew when its daemon is killed, and is not the suite's decision", async () => {
    const config = JSON.parse(await readFile(bench.configFile, "utf8")) as { targets: object[] };
    const budgets = { invokesPerSecond: 30, connectsPerSecond: 30, burst: 1 };
    const targets = config.targets.map((target) => ({ ...target, budgets, concurrency: 8 }));
    const file = join(bench.folder, "slow.yaml");
    await writeFile(file, JSON.stringify({ ...config, targets, store: { path: "history.db" } }));

    let url = await listening(file);
    const headers = { "content-type": "application/json" };
    const body = JSON.stringify({ suite: "content", sample: "25%" });
    const begun = await json<RunSummary>(`${url}/api/v1/runs`, { method: "POST", headers, body });
    const runOf = () => json<RunSummary>(`${url}/api/v1/runs/${begun.runId}`);
    await expect.poll(async () => (await runOf()).counts.checks, { timeout: 20_000 }).toBeGreaterThan(20);
    daemon?.process.kill("SIGKILL");
    await daemon?.ended;

    url = await listening(file);
    await expect.poll(async () => (await runOf()).status, { timeout: 30_000 }).toBe("finished");
    const ended = await runOf();
    expect(ended.sample).toEqual({
      size: { kind: "percent", percent: 25 },
      seed: begun.runId,
      devices: 61,
      ofDevices: 243,
    });
    expect(ended.counts).toMatchObject({ planned: 71, checks: 71, pass: 71, notRun: 0 });
    const page = await json<{ items: readonly { device: string; cohort: string }[] }>(
      `${url}/api/v1/runs/${begun.runId}/results?limit=200`,
    );
    expect(page.items).toHaveLength(71);
    expect(new Set(page.items.map(({ device }) => device)).size).toBe(61);
    const gate = await json<{ data: { decision: string; reason: string } }>(`${url}/api/v1/gate/content`);
    expect(gate.data).toMatchObject({ decision: "inconclusive", reason: "the suite was never run" });
  });
});

describe("authorizer: sample", () => {
  it("asks about some and tries the gateway with all, but asks wherever the gateway shows nothing", async () => {
    const { report } = await reportOf(3, "--suite", "some");
    const { results, agreement } = report;
    const asked = (cohort: string) =>
      results.filter((each) => each.cohort === cohort && each.authorizer !== "skipped");
    expect(results.filter(({ gateway }) => gateway !== "skipped")).toHaveLength(results.length - 1);
    expect(asked("pumps")).toHaveLength(59);
    expect(report.disagreement).toContainEqual({
      ...{ target: "here", cohort: "pumps", devices: 59, ofDevices: PUMPS, decided: 59, failed: 0 },
      ...{ failureRate: 0.045, confidence: 0.95 },
    });
    expect(
      results.filter(({ cohort }) => cohort === "pumps").every(({ verdict }) => verdict === "pass"),
    ).toBe(true);
    expect(agreement).toContainEqual({
      authorizer: "skipped",
      gateway: "accepted",
      checks: PUMPS - 59 + 2 * (40 - 32),
    });
    expect(asked("mixed")).toHaveLength(4);
  });
});

describe("authorizer: on-disagreement", () => {
  it("asks after a refusal, and about what the gateway cannot show", async () => {
    const { report } = await reportOf(3, "--suite", "later", "--cohort", "lost", "--cohort", "mixed");
    const said = new Map(
      report.results.filter(({ derived }) => derived === null).map((each) => [each.device, each]),
    );
    expect(said.get("device-00400")).toMatchObject({
      authorizer: "denied",
      gateway: "refused",
      verdict: "fail",
    });
    expect(said.get("device-00400")?.causes[0]?.code).not.toBe("GATEWAY_REFUSED_UNEXPLAINED");
    expect(said.get("device-00401")).toMatchObject({
      authorizer: "skipped",
      gateway: "accepted",
      verdict: "pass",
    });
    expect(said.get("device-00500")).toMatchObject({ authorizer: "denied", verdict: "pass" });
    expect(said.get("device-00501")).toMatchObject({ authorizer: "allowed", verdict: "pass" });
    expect(said.get("device-00502")).toMatchObject({
      authorizer: "allowed",
      gateway: "skipped",
      verdict: "skipped",
    });
    const derived = report.results.filter((each) => each.derived !== null && each.derived !== "no-sni");
    expect(derived.length).toBeGreaterThan(0);
    expect(derived.every(({ authorizer }) => authorizer === "denied")).toBe(true);
  });
});

describe("plan", () => {
  it("says what a sample costs and could show", async () => {
    const ended = await run([
      "plan",
      "--config",
      bench.configFile,
      "--suite",
      "strict",
      "--sample",
      "50",
      "--json",
    ]);
    const plan = JSON.parse(ended.stdout) as Plan;
    expect(plan).toMatchObject({ profiles: 50, sample: { devices: 50, ofDevices: 243, confidence: 0.95 } });
    expect(plan.warnings.map(({ kind }) => kind)).toContain("sample");
    const shown = await run(["plan", "--config", bench.configFile, "--suite", "content", "--within", "1s"]);
    expect(shown.stdout).toContain("243 of 243 devices");
  });
});
