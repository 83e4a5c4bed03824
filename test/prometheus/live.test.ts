import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROWS } from "../../deploy/grafana/rows.ts";
import { alerts } from "../../deploy/prometheus/alerts.ts";
import { RECORDINGS } from "../../deploy/prometheus/recording.ts";
import { renderAlerts, renderRecordings } from "../../deploy/prometheus/rules.ts";
import { SHIPPED } from "../../deploy/prometheus/thresholds.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { type Bench, goodDevice, startBench, UNHURRIED } from "../support/fleet.ts";
import { type Program, start } from "../support/program.ts";
import { type Prometheus, startPrometheus } from "./server.ts";

/** A fleet that has something of everything: 3 × fail, of which one gets in that must not, and 2 × inconclusive. */
const BAD = [
  ...Array.from({ length: 6 }, (_, index) => goodDevice(index)),
  goodDevice(6, { cohort: "valves", password: "wrong" }),
  goodDevice(7, { cohort: "valves", password: "wrong" }),
  goodDevice(8, { cohort: "valves", expect: "deny" }),
  goodDevice(9, { clientId: "outage-1" }),
  goodDevice(10, { clientId: "outage-2" }),
];
const GOOD = BAD.map((_, index) => goodDevice(index, index >= 6 && index < 9 ? { cohort: "valves" } : {}));

/** The shipped rules with durations that a test can wait for. */
const QUICK = renderAlerts(
  alerts({ ...SHIPPED, staleFor: "1s", acceptWindow: "5s", downFor: "3s", authorizerWindow: "5m" }),
);

let bench: Bench;
let daemon: Program;
let prometheus: Prometheus;
let url = "";
const opened: (() => Promise<unknown>)[] = [];

beforeAll(async () => {
  bench = await startBench({
    profiles: BAD,
    emulator: { ...UNHURRIED, faults: [{ match: { clientId: "/^outage-/" }, kind: "connack", code: 136 }] },
    config: {
      store: { path: "history.db" },
      suites: [{ name: "all", derived: { perCohort: 0 }, gate: { maxAge: "1h" } }],
    },
  });
  opened.push(bench.end);
  daemon = start(["daemon", "--config", bench.configFile]);
  opened.push(() => stop("SIGKILL"));
  [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
  prometheus = await startPrometheus({
    target: new URL(url).host,
    interval: "500ms",
    rules: { "alerts.yaml": QUICK, "recording.yaml": renderRecordings(RECORDINGS) },
  });
  opened.push(prometheus.end);
});

afterAll(async () => {
  for (const close of opened.reverse()) await close();
});

async function stop(signal: NodeJS.Signals): Promise<void> {
  if (daemon.process.exitCode !== null || daemon.process.signalCode !== null) return;
  const closed = once(daemon.process, "close");
  daemon.process.kill(signal);
  await closed;
}

/** Runs the suite and waits for its end and for Prometheus to have seen it. */
async function finishedRun(): Promise<RunSummary> {
  const triggered = await fetch(`${url}/api/v1/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: "{}",
  });
  const { runId } = (await triggered.json()) as RunSummary;
  const look = async () => (await (await fetch(`${url}/api/v1/runs/${runId}`)).json()) as RunSummary;
  await expect.poll(async () => (await look()).status, { timeout: 30_000 }).toBe("finished");
  const ended = await look();
  const wanted = Date.parse(ended.startedAt) / 1000 + ended.durationSeconds;
  await becomes(`fleet_smoke_last_run_timestamp_seconds{suite="all"} >= ${wanted - 0.5}`, 1);
  return ended;
}

/** Waits until as many series answer. */
async function becomes(expr: string, series: number): Promise<void> {
  await expect
    .poll(async () => (await prometheus.query(expr)).length, {
      timeout: 30_000,
      interval: 100,
      message: expr,
    })
    .toBe(series);
}

/** Has the alert fired at any time? */
function hasFired(alert: string, matchers = ""): Promise<void> {
  return becomes(`sum(count_over_time(ALERTS{alertname="${alert}",alertstate="firing"${matchers}}[10m]))`, 1);
}

async function isSilent(alert: string): Promise<void> {
  await becomes(`ALERTS{alertname="${alert}"}`, 0);
}

async function byVerdict(expr: string): Promise<Record<string, number>> {
  const samples = await prometheus.query(expr);
  return Object.fromEntries(samples.map(({ labels, value }) => [labels.verdict ?? "", value]));
}

function verdicts({ pass, fail, inconclusive, skipped }: RunSummary["counts"]): Record<string, number> {
  return { pass, fail, inconclusive, skipped };
}

async function states(): Promise<Record<string, number>> {
  const samples = await prometheus.query('fleet_smoke_gate_state{suite="all",target="",cohort=""}');
  return Object.fromEntries(samples.map(({ labels, value }) => [labels.state ?? "", value]));
}

describe("a real Prometheus beside the daemon, with the shipped scrape configuration and rules", () => {
  let first: RunSummary;

  it("sees the daemon before its first run, and that its suite has no decision", async () => {
    await becomes('up{job="fleet-smoke"} == 1', 1);
    await hasFired("FleetSmokeGateStale", ',suite="all"');
    expect(await prometheus.query("fleet_smoke_gate_state")).toEqual([]);
  });

  it("counts a bad run as the API does", async () => {
    first = await finishedRun();
    expect(verdicts(first.counts)).toEqual({ pass: 6, fail: 3, inconclusive: 2, skipped: 0 });
    const counted = await byVerdict('sum by (verdict) (fleet_smoke_checks_total{cohort=~".+"})');
    expect(counted).toEqual(verdicts(first.counts));
    expect(await byVerdict("sum by (verdict) (fleet_smoke_last_run_checks)")).toEqual(counted);
    expect(await states()).toEqual({ go: 0, "no-go": 1, inconclusive: 0 });
  });

  it("fires what a bad run calls for, and not more", async () => {
    await hasFired("FleetSmokeNoGo", ',suite="all",severity="page"');
    await hasFired("FleetSmokeCohortNoGo", ',cohort="valves",target="here"');
    await hasFired("FleetSmokeUnexpectedAccept", ',cohort="valves",protocol="mqtt"');
    await isSilent("FleetSmokeGateStale");
    await becomes(
      `count by (alertname) (ALERTS{alertname=~"FleetSmoke(Down|RunStuck|TesterBroken|.*Throttled)"})`,
      0,
    );
  });

  it("answers percentiles of the latency histograms, asked directly and recorded", async () => {
    for (const name of ["authorizer_duration_seconds", "gateway_duration_seconds"]) {
      const expr = `histogram_quantile(0.95, sum by (le) (fleet_smoke_${name}_bucket))`;
      const [{ value } = { value: Number.NaN }] = await prometheus.query(expr);
      expect(value, name).toBeGreaterThan(0);
      expect(value, name).toBeLessThanOrEqual(30);
    }
    const recorded = "target_authorizer:fleet_smoke_authorizer_duration_seconds:p95_30m";
    await becomes(`${recorded}{authorizer="passwords"} > 0`, 1);
  });

  it("is silent again after a good run, whose counts add to the first's", async () => {
    await writeFile(
      join(bench.folder, "fleet.ndjson"),
      GOOD.map((each) => `${JSON.stringify(each)}\n`).join(""),
    );
    const second = await finishedRun();
    expect(second.decision).toBe("go");
    expect(await states()).toEqual({ go: 1, "no-go": 0, inconclusive: 0 });
    const all = await byVerdict("sum by (verdict) (fleet_smoke_checks_total)");
    expect(all).toMatchObject({ pass: first.counts.pass + second.counts.pass, fail: first.counts.fail });
    for (const alert of ["NoGo", "CohortNoGo", "UnexpectedAccept", "GateStale"])
      await isSilent(`FleetSmoke${alert}`);
    await becomes('suite:fleet_smoke_gate_open:bool{suite="all"} == 1', 1);
  });

  it("answers every query of the Grafana dashboard, nearly all of them with something", async () => {
    const queries = ROWS.flatMap(({ panels }) => panels.flatMap((panel) => panel.queries));
    const empty: string[] = [];
    for (const { expr } of queries) {
      const filled = expr
        .replace(/\$__(rate_interval|range)/g, "5m")
        .replace(/\$(suite|target|cohort)\b/g, ".*");
      if ((await prometheus.query(filled)).length === 0) empty.push(expr);
    }
    // Nothing was corrupted, guarded or throttled, no request failed, and passwords do not expire.
    const absent = /derived_checks_total|guard_skips_total|Throttling|code!="ok"|credential_expiry/;
    expect(empty.filter((expr) => !absent.test(expr))).toEqual([]);
    expect(queries.length - empty.length).toBeGreaterThan(30);
  });

  it("finds the probes' paths of the Kubernetes manifest answered", async () => {
    const manifest = await readFile(
      join(import.meta.dirname, "../../deploy/kubernetes/deployment.yaml"),
      "utf8",
    );
    const paths = [...manifest.matchAll(/path: ([^, ]+)/g)].map(([, path]) => path);
    expect(paths).toHaveLength(3);
    for (const path of paths) expect((await fetch(`${url}${path}`)).status, path).toBe(200);
  });

  it("scrapes a page that promtool has nothing to say about", async () => {
    const input = await (await fetch(`${url}/metrics`)).text();
    const { status, stdout, stderr } = spawnSync("promtool", ["check", "metrics"], {
      input,
      encoding: "utf8",
    });
    expect({ status, findings: stdout + stderr }).toEqual({ status: 0, findings: "" });
  });

  it("says so when the daemon is gone", async () => {
    await stop("SIGTERM");
    await hasFired("FleetSmokeDown");
  });
});
