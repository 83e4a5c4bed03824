import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Counts } from "../../src/model/gate.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { onlyValue } from "../metrics/page-reader.ts";
import { busiestSecond } from "../run/sliding-second.ts";
import { answer, type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { type Program, start } from "../support/program.ts";
import { TestRedis } from "../support/redis.ts";

const CHECKS = 2_000;
const PER_SECOND = 200;
const BURST = 5;
/**
 * The gateway asks its authorizer when a handshake is over, and where two cores carry six processes that take turns a
 * handshake may take a quarter of a second longer than the next: what comes in one second may have been let through in one
 * and a quarter. Half of what a limiter by fixed windows would let through, all the same. When each is let through is shown to the
 * millisecond in test/run/redis-pacer.test.ts.
 */
const LATENESS = { api: 0, gateway: PER_SECOND * 0.25 };
/** A worker that does not stir for longer loses its shards. */
const LOCK_MS = 4_000;

let redis: TestRedis | null = null;
let bench: Bench | null = null;
const programs: Program[] = [];
afterEach(async () => {
  for (const { process } of programs) process.kill("SIGKILL");
  await Promise.all(programs.splice(0).map(({ ended }) => ended));
  await bench?.end();
  await redis?.stop();
  bench = null;
  redis = null;
});

/**
 * An authorizer that writes down when it was called and by whom: the tester leaves out the mark that a device's query
 * string begins with, so the API's calls are told from the gateway's.
 */
async function startFleet(devices: readonly object[], config: object): Promise<Bench> {
  const started = await startBench({
    profiles: devices,
    target: {
      budgets: { invokesPerSecond: PER_SECOND, connectsPerSecond: PER_SECOND, burst: BURST },
      timeouts: { invoke: "5s", probe: "5s" },
      queryStringMark: false,
    },
    emulator: {
      authorizers: [
        { name: "passwords", status: "ACTIVE", signingDisabled: true, handler: { module: "counting.mjs" } },
      ],
    },
    files: { "counting.mjs": COUNTING },
    config,
  });
  bench = started;
  return started;
}

const COUNTING = `
import { appendFileSync } from "node:fs";
export async function handler({ protocolData }) {
  const face = protocolData.http.queryString.startsWith("?") ? "gateway" : "api";
  appendFileSync(new URL("calls.txt", import.meta.url), \`\${face} \${performance.now()}\\n\`);
  return ${JSON.stringify(answer())};
}`;

function device(index: number): object {
  return goodDevice(index, { protocol: "wss", credentialsIn: "query" });
}

function launch(args: readonly string[]): Program {
  const env = { FLEET_SMOKE_LOG_LEVEL: "info", FLEET_SMOKE_SHARD_LOCK_MS: String(LOCK_MS) };
  const program = start(args, { env });
  programs.push(program);
  return program;
}

/** Resolves when the run has this many results. */
async function progress(run: Program, checks: number): Promise<void> {
  let isOver = false;
  void run.ended.then(() => {
    isOver = true;
  });
  const done = () => {
    const shown = [...run.stderr().matchAll(/^([\d,]+)\/[\d,]+ \(/gm)].at(-1)?.[1] ?? "0";
    return Number(shown.replaceAll(",", ""));
  };
  while (done() < checks) {
    if (isOver) throw new Error(`the run ended before:\n${run.stdout()}${run.stderr()}`);
    await sleep(50);
  }
}

interface Report {
  readonly counts: Counts;
  readonly results: readonly (ResultRecord & { readonly device: string })[];
  readonly decision: string;
}

async function reportOf({ folder }: Bench): Promise<Report> {
  return JSON.parse(await readFile(join(folder, "report.json"), "utf8")) as Report;
}

async function callsOf({ folder }: Bench, face: string): Promise<number[]> {
  const lines = (await readFile(join(folder, "calls.txt"), "utf8")).trim().split("\n");
  return lines.filter((line) => line.startsWith(face)).map((line) => Number(line.split(" ")[1]));
}

describe("a run over workers that are killed and held up, and a queue that is restarted", () => {
  it("records every check once, and stays within its budgets", { timeout: 150_000 }, async () => {
    redis = await TestRedis.start();
    const { configFile, ...started } = await startFleet(
      Array.from({ length: CHECKS }, (_, index) => device(index)),
      {
        queue: { kind: "bullmq", redis: redis.url, prefix: "test" },
        suites: [{ name: "all", derived: { perCohort: 0 }, deadline: "2m" }],
      },
    );
    const [killed, held, spared] = [1, 2, 3].map(() => launch(["worker", "--config", configFile]));
    if (!killed || !held || !spared) throw new Error("no workers");
    await Promise.all([killed, held, spared].map(({ says }) => says(/taking shards/)));
    const report = join(started.folder, "report.json");
    const run = launch(["run", "--config", configFile, "--report", `json=${report}`]);

    await progress(run, 200);
    killed.process.kill("SIGKILL");
    await progress(run, 400);
    held.process.kill("SIGSTOP");
    // Beyond its lock, and beyond what a connection may last: its time-outs are its own.
    const heldUp = sleep(LOCK_MS * 2.2);
    await progress(run, 600);
    await redis.restart();
    await heldUp;
    held.process.kill("SIGCONT");

    expect(await run.ended, run.stdout() + run.stderr()).toBe(0);
    const { counts, results } = await reportOf({ configFile, ...started });
    expect(counts).toMatchObject({ checks: CHECKS, pass: CHECKS, notRun: 0 });
    expect(new Set(results.map((each) => each.device)).size).toBe(CHECKS);
    expect(results.length).toBe(CHECKS);
    for (const face of ["api", "gateway"] as const) {
      const calls = await callsOf({ configFile, ...started }, face);
      expect(calls.length, face).toBeGreaterThanOrEqual(CHECKS);
      expect(busiestSecond(calls), face).toBeLessThanOrEqual(PER_SECOND + BURST + LATENESS[face]);
    }
    for (const worker of [held, spared]) worker.process.kill("SIGTERM");
    expect(await held.ended, held.stderr()).toBe(0);
    expect(await spared.ended).toBe(0);
  });
});

describe("a worker with other profiles", () => {
  it("refuses the run with the file and both checksums, and nothing passes", {
    timeout: 90_000,
  }, async () => {
    redis = await TestRedis.start();
    const { configFile, folder, ...started } = await startFleet([device(0), device(1)], {
      queue: { kind: "bullmq", redis: redis.url },
      suites: [{ name: "all", derived: { perCohort: 0 } }],
    });
    // As it is on a machine that nobody has told of the new device.
    const elsewhere = join(folder, "elsewhere");
    await mkdir(elsewhere);
    await copyFile(configFile, join(elsewhere, "fleet-smoke.yaml"));
    await writeFile(join(elsewhere, "fleet.ndjson"), `${JSON.stringify(device(0))}\n`);
    const report = join(folder, "report.json");
    const run = launch(["run", "--config", configFile, "--report", `json=${report}`]);
    const worker = launch(["worker", "--config", join(elsewhere, "fleet-smoke.yaml")]);
    await worker.says(/fleet\.ndjson has the SHA-256 \w{64}, in the run it has \w{64}/);
    expect(await run.ended).toBe(4);
    const { counts, decision } = await reportOf({ configFile, folder, ...started });
    expect(counts).toMatchObject({ pass: 0, notRun: 2 });
    expect(decision).toBe("inconclusive");
    expect(run.stdout()).toMatch(/no worker takes the run/);
  });
});

describe("a suite with locations", () => {
  it("tests every device from each of them, by the workers that are there", { timeout: 60_000 }, async () => {
    redis = await TestRedis.start();
    const { configFile, folder, ...started } = await startFleet([device(0), device(1), device(2)], {
      queue: { kind: "bullmq", redis: redis.url },
      suites: [
        {
          name: "all",
          locations: ["eu", "us"],
          expected: { pumps: 3 },
          derived: { kinds: ["wrong-password"] },
        },
      ],
    });
    for (const location of ["eu", "us"]) {
      launch(["worker", "--config", configFile, "--location", location]);
    }
    const [json, metrics] = [join(folder, "report.json"), join(folder, "page.txt")];
    const reports = ["--report", `json=${json}`, "--report", `metrics=${metrics}`];
    const run = launch(["run", "--config", configFile, ...reports]);
    // The authorizer of this fleet lets anybody in: what is derived fails at both places.
    expect(await run.ended, run.stdout() + run.stderr()).toBe(3);
    const { counts, results } = await reportOf({ configFile, folder, ...started });
    expect(counts).toMatchObject({ planned: 6, checks: 6, pass: 6, notRun: 0, derived: 2 });
    const seen = results.map((each) => `${each.derived ?? each.device} ${each.location}`);
    const wanted = ["device-00000", "device-00001", "device-00002", "wrong-password"];
    expect(seen.sort()).toEqual(wanted.flatMap((each) => [`${each} eu`, `${each} us`]));
    const page = await readFile(metrics, "utf8");
    for (const location of ["eu", "us"]) {
      expect(onlyValue(page, "checks_total", { verdict: "pass", location })).toBe(3);
    }
  });
});

describe("a daemon that is killed", () => {
  it("goes on with the run of its workers, and records every check once", { timeout: 90_000 }, async () => {
    redis = await TestRedis.start();
    const checks = 300;
    const { configFile } = await startFleet(
      Array.from({ length: checks }, (_, index) => device(index)),
      {
        queue: { kind: "bullmq", redis: redis.url },
        store: { path: "history.db" },
        suites: [{ name: "all", derived: { perCohort: 0 } }],
      },
    );
    launch(["worker", "--config", configFile]);
    const daemon = launch(["daemon", "--config", configFile]);
    const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
    const headers = { "content-type": "application/json" };
    const triggered = await fetch(`${url}/api/v1/runs`, { method: "POST", headers, body: "{}" });
    const { runId } = (await triggered.json()) as RunSummary;
    const summary = async (at: string) =>
      (await (await fetch(`${at}/api/v1/runs/${runId}`)).json()) as RunSummary;
    while ((await summary(url)).counts.checks < 50) await sleep(50);
    daemon.process.kill("SIGKILL");
    await daemon.ended;

    const next = launch(["daemon", "--config", configFile]);
    const [, again = ""] = await next.says(/"url":"([^"]+)"/);
    while ((await summary(again)).status !== "finished") await sleep(100);
    const { counts, decision } = await summary(again);
    expect(decision).toBe("go");
    expect(counts).toMatchObject({ checks, pass: checks, notRun: 0 });
    const page = await (await fetch(`${again}/metrics`)).text();
    // What the workers did for this daemon is counted by it.
    expect(onlyValue(page, "aws_requests_total", { operation: "TestInvokeAuthorizer" })).toBeGreaterThan(0);
    next.process.kill("SIGTERM");
    expect(await next.ended, next.stderr()).toBe(0);
  });
});
