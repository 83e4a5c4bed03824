/**
 * Fills a history with runs and results, starts the daemon over it and measures how long its lists take. Prints one
 * JSON line for filling and one for each route; exits 1 when a median is over 50 ms. Loopback only; ends by itself.
 *
 *   node bench/history.ts [runs] [results of each run]
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { toRecord } from "../src/lib/words.ts";
import { History } from "../src/store/history.ts";
import { sampleSummary } from "../test/report/sample.ts";
import { CLOSED, checkOf } from "../test/support/fixtures.ts";
import { judged, resultOf } from "../test/support/results.ts";

const RUNS = Number(process.argv[2] ?? 200);
const RESULTS = Number(process.argv[3] ?? 10_000);
const REQUESTS = 200;
const MAX_MEDIAN_MS = 50;
const MAIN = fileURLToPath(new URL("../src/main.ts", import.meta.url));

/** A pass, and a failure for one of a hundred. */
const PASS = toRecord(resultOf({ check: checkOf({}, { id: "pump" }) }));
const FAIL = toRecord(resultOf({ outcome: CLOSED, verdict: judged("fail", "ALPN_MISSING") }));

function fill(path: string): { readonly seconds: number; readonly lastRun: string } {
  const opened = History.open(path);
  if (opened.kind !== "open") throw new Error(opened.message);
  using history = opened.history;
  const began = performance.now();
  let runId = "";
  for (let run = 0; run < RUNS; run += 1) {
    runId = `run-${String(run).padStart(6, "0")}`;
    const selection = { suite: "all", cohorts: null, devices: null, allowDeviceIdentity: 0 };
    const start = { runId, selection, startedAtMs: Date.now(), actor: "bench", configChecksum: "c" };
    const summary = { ...sampleSummary, runId, suite: "all" };
    history.begin(start, summary, false);
    for (let seq = 0; seq < RESULTS; seq += 1) {
      const record = seq % 100 === 0 ? FAIL : PASS;
      history.record(runId, { ...record, seq, device: `pump-${String(seq).padStart(8, "0")}` });
    }
    history.finish(runId, summary);
  }
  return { seconds: (performance.now() - began) / 1000, lastRun: runId };
}

async function startDaemon(folder: string): Promise<{ readonly daemon: ChildProcess; readonly url: string }> {
  const config = {
    targets: [{ name: "here", region: "eu-west-1", accountId: "123456789012", endpoint: "bench.invalid" }],
    profiles: [{ path: "fleet.ndjson", identity: "device" }],
    http: { listen: "127.0.0.1:0" },
    store: { path: "history.db", keepRuns: 1_000_000 },
  };
  const profile = { id: "pump-1", clientId: "pump-1", protocol: "mqtt", authorizer: "a" };
  await writeFile(join(folder, "config.yaml"), JSON.stringify(config));
  await writeFile(join(folder, "fleet.ndjson"), `${JSON.stringify(profile)}\n`);
  const daemon = spawn(process.execPath, [MAIN, "daemon", "--config", join(folder, "config.yaml")], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  const url = await new Promise<string>((resolve, reject) => {
    daemon.stderr?.on("data", (text: Buffer) => {
      said += text.toString();
      const found = /"url":"([^"]+)"/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
    daemon.once("exit", () => reject(new Error(said)));
  });
  return { daemon, url };
}

/** Milliseconds of the whole answer. */
async function measure(url: string): Promise<{ readonly p50: number; readonly p95: number }> {
  const times: number[] = [];
  for (let request = 0; request < REQUESTS; request += 1) {
    const began = performance.now();
    const response = await fetch(url);
    const text = await response.text();
    if (response.status !== 200) throw new Error(`${url}: ${response.status} ${text.slice(0, 200)}`);
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  const at = (quantile: number) => Math.round((times[Math.floor(times.length * quantile)] ?? 0) * 100) / 100;
  return { p50: at(0.5), p95: at(0.95) };
}

function print(figure: object): void {
  process.stdout.write(`${JSON.stringify(figure)}\n`);
}

const folder = await mkdtemp(join(tmpdir(), "fleet-smoke-bench-"));
let isSlow = false;
try {
  const path = join(folder, "history.db");
  const { seconds, lastRun } = fill(path);
  const megabytes = Math.round((await stat(path)).size / 1e6);
  print({ figure: "history-fill", runs: RUNS, results: RUNS * RESULTS, seconds, megabytes });
  const { daemon, url } = await startDaemon(folder);
  try {
    const results = `/api/v1/runs/${lastRun}/results`;
    for (const route of [
      "/api/v1/runs",
      results,
      `${results}?verdict=fail`,
      `${results}?cause=ALPN_MISSING`,
      `${results}?limit=200`,
      `${results}?authorizer=denied&derived=false`,
      `${results}?verdict=fail&cause=ALPN_MISSING&cohort=pumps&limit=200`,
      `${results}?device=pump-00000001`,
      "/api/v1/suites",
      "/api/v1/history?suite=all&limit=200",
      `/api/v1/runs/${lastRun}/latency`,
      "/api/v1/devices/pump-00000001/results",
    ]) {
      const { p50, p95 } = await measure(`${url}${route}`);
      isSlow ||= p50 > MAX_MEDIAN_MS;
      print({ figure: "history-page", route, requests: REQUESTS, p50Ms: p50, p95Ms: p95 });
    }
  } finally {
    daemon.kill("SIGTERM");
    await new Promise((resolve) => daemon.once("exit", resolve));
  }
} finally {
  await rm(folder, { recursive: true });
}
process.exitCode = isSlow ? 1 : 0;
