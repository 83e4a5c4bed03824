import { readFileSync } from "node:fs";
import { copyFile, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Counts } from "../../src/model/gate.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { type Bench, goodDevice, signedToken, startBench } from "../support/fleet.ts";
import { killAll, type Program, start } from "../support/program.ts";
import { TestRedis } from "../support/redis.ts";

let redis: TestRedis;
let bench: Bench;
beforeAll(async () => {
  redis = await TestRedis.start({ password: "hunter2", tls: true });
  bench = await startBench({
    profiles: FLEET,
    emulator: {
      faults: [
        { match: { clientId: "/^device-00004/" }, kind: "close" },
        { match: { clientId: "/^device-00005/" }, kind: "reset" },
        { match: { clientId: "/^device-00006/" }, kind: "connack", code: 135 },
        { match: { clientId: "/^device-00007/" }, kind: "tls-alert" },
      ],
    },
    config: {
      suites: [{ name: "all", derived: { perCohort: 1, kinds: ["wrong-password", "no-authorizer"] } }],
    },
  });
});
afterAll(async () => {
  await bench?.end();
  await redis?.stop();
});

/** One of each way to fail that does not depend on when it is tested, among those that pass. */
const FLEET = [
  goodDevice(1, { password: "wrong" }),
  goodDevice(2, { expect: "deny" }),
  goodDevice(3, { expect: "deny", password: "wrong" }),
  goodDevice(4),
  goodDevice(6),
  goodDevice(8, { protocol: ["mqtt", "wss"] }),
  goodDevice(9, { authorizer: "nobody" }),
  goodDevice(10, { identity: "device" }),
  goodDevice(11, { password: `\${file:not-there}` }),
  goodDevice(12, { tls: { alpn: [] } }),
  // In a cohort of its own: its authorizer never looks at a password, and which device is drawn for a wrong one is chance.
  goodDevice(13, { authorizer: "signed", token: signedToken("good-13"), cohort: "signed" }),
  goodDevice(14, { authorizer: "signed", token: signedToken("bad-14") }),
  ...Array.from({ length: 30 }, (_, index) => goodDevice(20 + index)),
];

interface Ran {
  readonly code: number | string;
  readonly counts: Counts;
  readonly stories: readonly string[];
  readonly text: string;
}

/** What must be the same whoever did it: all but times, addresses, trace ids and of whom something was derived. */
function storyOf(record: ResultRecord): string {
  const { seq: _seq, timings: _timings, tls, certificateExpiresAt: _expires, ...rest } = record;
  const { derived, protocol, verdict, gateway, device } = rest;
  if (derived !== null) return JSON.stringify({ derived, protocol, verdict, gateway });
  const story = JSON.stringify([device, { ...rest, tls: tls?.version ?? null }]);
  return story.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}/g, "trace");
}

async function runWith(name: string, queue: object, programs: Program[]): Promise<Ran> {
  const config = join(bench.folder, `${name}.yaml`);
  const report = join(bench.folder, `${name}.json`);
  const written = JSON.parse(readFileSync(bench.configFile, "utf8")) as object;
  await writeFile(config, JSON.stringify({ ...written, queue }));
  const run = start(["run", "--config", config, "--skip-invalid", "--report", `json=${report}`]);
  programs.push(run);
  if ("redis" in queue) programs.push(start(["worker", "--config", config]));
  const code = await run.ended;
  const { counts, results } = JSON.parse(await readFile(report, "utf8")) as {
    counts: Counts;
    results: ResultRecord[];
  };
  return { code, counts, stories: results.map(storyOf).sort(), text: run.stdout() + run.stderr() };
}

describe("one fleet", () => {
  it("comes to the same in one process, over local workers and over Redis", {
    timeout: 120_000,
  }, async () => {
    const programs: Program[] = [];
    try {
      await copyFile(redis.caFile, join(bench.folder, "redis-ca.pem"));
      const here = await runWith("here", { kind: "local", workers: 1 }, programs);
      const local = await runWith("local", { kind: "local", workers: 2 }, programs);
      const bullmq = { kind: "bullmq", redis: redis.url, caFile: "redis-ca.pem", prefix: "contract" };
      const afar = await runWith("afar", bullmq, programs);
      // One is over two protocols, one is invalid.
      expect(here.counts.checks, here.text).toBe(FLEET.length);
      expect(here.counts.fail, here.text).toBeGreaterThan(4);
      expect(here.counts.derived).toBeGreaterThan(0);
      for (const other of [local, afar]) {
        expect(other.stories, other.text).toEqual(here.stories);
        expect(other.counts).toEqual(here.counts);
        expect(other.code).toBe(here.code);
        expect(other.text).not.toContain("hunter2");
      }
    } finally {
      await killAll(programs);
    }
  });
});

/** Those that the run forked. */
function workersOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.trim().split(" ").filter(Boolean).map(Number);
}

describe("a local worker", () => {
  it("that is killed has its checks done again, and no worker outlives the run", {
    timeout: 90_000,
  }, async () => {
    const { folder, configFile } = bench;
    const fleet = Array.from({ length: 300 }, (_, index) => `${JSON.stringify(goodDevice(100 + index))}\n`);
    await writeFile(join(folder, "many.ndjson"), fleet.join(""));
    const written = JSON.parse(await readFile(configFile, "utf8")) as object;
    const config = join(folder, "many.yaml");
    const changes = {
      profiles: [{ path: "many.ndjson" }],
      queue: { kind: "local", workers: 2 },
      suites: [{ name: "all", derived: { perCohort: 0 } }],
    };
    await writeFile(config, JSON.stringify({ ...written, ...changes }));
    const run = start(["run", "--config", config]);
    try {
      await run.says(/^\d+\/300 \([1-9]/m);
      const before = workersOf(run.process.pid ?? 0);
      expect(before.length).toBe(2);
      process.kill(before[0] ?? 0, "SIGKILL");
      expect(await run.ended, run.stdout() + run.stderr()).toBe(0);
      expect(run.stdout()).toMatch(/300 pass/);
      expect(run.stderr()).toMatch(/a worker process ended/);
    } finally {
      await killAll([run]);
    }
  });

  it("ends when its parent is killed", { timeout: 60_000 }, async () => {
    const run = start(["run", "--config", join(bench.folder, "many.yaml")]);
    await run.says(/^\d+\/300 \([1-9]/m);
    const workers = workersOf(run.process.pid ?? 0);
    expect(workers.length).toBe(2);
    await killAll([run]);
    const isAlive = (pid: number) => {
      try {
        return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
      } catch {
        return false;
      }
    };
    while (workers.some(isAlive)) await sleep(50);
  });
});
