import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { expectEachOnceWithinBudgets, progress, startCountedFleet } from "../support/counted-fleet.ts";
import { CutLink } from "../support/cut-link.ts";
import { killAll, type Program, start } from "../support/program.ts";
import { TestRedis } from "../support/redis.ts";

const CHECKS = 1_000;
const CUT_MS = 30_000;

describe("a run over workers whose network to the queue is cut for 30 s", () => {
  it("records every check once, and stays within its budgets", { timeout: 180_000 }, async () => {
    const redis = await TestRedis.start();
    onTestFinished(() => redis.stop());
    const links = await Promise.all([CutLink.to(redis.port), CutLink.to(redis.port)]);
    onTestFinished(async () => {
      await Promise.all(links.map((link) => link.close()));
    });
    const [mostOfThem, oneWorker] = links;
    const fleet = await startCountedFleet(CHECKS, {
      queue: { kind: "bullmq", redis: `redis://127.0.0.1:${mostOfThem.port}` },
      suites: [{ name: "all", derived: { perCohort: 0 }, deadline: "3m" }],
    });
    onTestFinished(() => fleet.end());
    const { configFile, folder } = fleet;
    const elsewhere = join(folder, "elsewhere.yaml");
    const config = await readFile(configFile, "utf8");
    await writeFile(elsewhere, config.replaceAll(`:${mostOfThem.port}`, `:${oneWorker.port}`));

    const programs: Program[] = [];
    onTestFinished(() => killAll(programs));
    const launch = (...args: string[]) => {
      const program = start(args, { env: { FLEET_SMOKE_LOG_LEVEL: "info" } });
      programs.push(program);
      return program;
    };
    const workers = [configFile, elsewhere].map((file) => launch("worker", "--config", file));
    await Promise.all(workers.map(({ says }) => says(/taking shards/)));
    const report = join(folder, "report.json");
    const run = launch("run", "--config", configFile, "--report", `json=${report}`);

    await progress(run, 100);
    oneWorker.cut();
    await progress(run, 300);
    mostOfThem.cut();
    await sleep(CUT_MS);
    oneWorker.mend();
    mostOfThem.mend();

    expect(await run.ended, run.stdout() + run.stderr()).toBe(0);
    await expectEachOnceWithinBudgets(fleet, CHECKS);
    for (const { process, ended } of workers) {
      process.kill("SIGTERM");
      expect(await ended).toBe(0);
    }
  });
});
