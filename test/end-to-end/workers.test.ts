import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { RunSummary } from "../../src/model/run.ts";
import { onlyValue } from "../metrics/page-reader.ts";
import {
  countedDevice,
  expectEachOnceWithinBudgets,
  progress,
  reportOf,
  startCountedFleet,
} from "../support/counted-fleet.ts";
import type { Bench } from "../support/fleet.ts";
import { killAll, type Program, start } from "../support/program.ts";
import { TestRedis } from "../support/redis.ts";

const CHECKS = 2_000;
let redis: TestRedis | null = null;
let bench: Bench | null = null;
const programs: Program[] = [];
afterEach(async () => {
  await killAll(programs.splice(0));
  await bench?.end();
  await redis?.stop();
  bench = null;
  redis = null;
});

async function startFleet(devices: number, config: object): Promise<Bench> {
  const started = await startCountedFleet(devices, config);
  bench = started;
  return started;
}

function launch(args: readonly string[], env: NodeJS.ProcessEnv = {}): Program {
  const program = start(args, { env: { FLEET_SMOKE_LOG_LEVEL: "info", ...env } });
  programs.push(program);
  return program;
}

describe("a run over workers that are killed and held up, and a queue that is restarted", () => {
  it.each([
    { heldMs: 40_000, when: "until others have done what it had taken", env: {} },
    // Loses what it has taken sooner, so that it comes back in the middle of the run.
    { heldMs: 8_800, when: "in mid-run", env: { FLEET_SMOKE_SHARD_LOCK_MS: "4000" } },
  ])(
    "records every check once, and stays within its budgets: one held up $when",
    {
      timeout: 200_000,
    },
    async ({ heldMs, env }) => {
      redis = await TestRedis.start();
      const fleet = await startFleet(CHECKS, {
        queue: { kind: "bullmq", redis: redis.url, prefix: "test" },
        suites: [{ name: "all", derived: { perCohort: 0 }, deadline: "3m" }],
      });
      const { configFile, folder } = fleet;
      const [killed, held, spared] = [1, 2, 3].map(() => launch(["worker", "--config", configFile], env));
      if (!killed || !held || !spared) throw new Error("no workers");
      await Promise.all([killed, held, spared].map(({ says }) => says(/taking shards/)));
      const report = join(folder, "report.json");
      const run = launch(["run", "--config", configFile, "--report", `json=${report}`], env);

      await progress(run, 200);
      killed.process.kill("SIGKILL");
      await progress(run, 400);
      held.process.kill("SIGSTOP");
      // Beyond its lock, and beyond what a connection may last: its time-outs are its own.
      const heldUp = sleep(heldMs);
      await progress(run, 600);
      await redis.restart();
      await heldUp;
      held.process.kill("SIGCONT");

      expect(await run.ended, run.stdout() + run.stderr()).toBe(0);
      await expectEachOnceWithinBudgets(fleet, CHECKS);
      for (const worker of [held, spared]) worker.process.kill("SIGTERM");
      expect(await held.ended, held.stderr()).toBe(0);
      expect(await spared.ended).toBe(0);
    },
  );
});

describe("a worker with other profiles", () => {
  it("refuses the run with the file and both checksums, and nothing passes", {
    timeout: 90_000,
  }, async () => {
    redis = await TestRedis.start();
    const { configFile, folder } = await startFleet(2, {
      queue: { kind: "bullmq", redis: redis.url },
      suites: [{ name: "all", derived: { perCohort: 0 } }],
    });
    // As it is on a machine that nobody has told of the new device.
    const elsewhere = join(folder, "elsewhere");
    await mkdir(elsewhere);
    await copyFile(configFile, join(elsewhere, "fleet-smoke.yaml"));
    await writeFile(join(elsewhere, "fleet.ndjson"), `${JSON.stringify(countedDevice(0))}\n`);
    const report = join(folder, "report.json");
    const run = launch(["run", "--config", configFile, "--report", `json=${report}`]);
    const worker = launch(["worker", "--config", join(elsewhere, "fleet-smoke.yaml")]);
    await worker.says(/fleet\.ndjson has the SHA-256 \w{64}, in the run it has \w{64}/);
    expect(await run.ended).toBe(4);
    const { counts, decision } = await reportOf({ folder });
    expect(counts).toMatchObject({ pass: 0, notRun: 2 });
    expect(decision).toBe("inconclusive");
    expect(run.stdout()).toMatch(/no worker takes the run/);
  });
});

describe("a suite with locations", () => {
  it("tests every device from each of them, by the workers that are there", { timeout: 60_000 }, async () => {
    redis = await TestRedis.start();
    const { configFile, folder } = await startFleet(3, {
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
    const { counts, results } = await reportOf({ folder });
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
    const { configFile } = await startFleet(checks, {
      queue: { kind: "bullmq", redis: redis.url },
      store: { path: "history.db" },
      suites: [{ name: "all", derived: { perCohort: 0 } }],
    });
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
