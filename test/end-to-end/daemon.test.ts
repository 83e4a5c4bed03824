import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { type Program, start } from "../support/program.ts";

interface Summary {
  readonly runId: string;
  readonly status: string;
  readonly decision: string | null;
  readonly counts: Readonly<Record<"planned" | "checks" | "pass" | "fail" | "notRun", number>>;
}

const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));

let bench: Bench;
beforeAll(async () => {
  const profiles = Array.from({ length: 60 }, (_, index) =>
    goodDevice(index, index < 10 ? { cohort: "valves", password: "wrong" } : {}),
  );
  bench = await startBench({ profiles });
});
afterAll(() => bench?.end());

async function startDaemon(configFile = bench.configFile): Promise<{ daemon: Program; url: string }> {
  const daemon = start(["daemon", "--config", configFile]);
  const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
  return { daemon, url };
}

async function stop(daemon: Program): Promise<number | string> {
  daemon.process.kill("SIGTERM");
  return daemon.ended;
}

async function trigger(
  url: string,
  body: object = {},
): Promise<{ status: number; location: string; run: Summary }> {
  const response = await fetch(`${url}/api/v1/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const location = response.headers.get("location") ?? "";
  return { status: response.status, location, run: (await response.json()) as Summary };
}

async function get(url: string): Promise<Summary> {
  return (await (await fetch(url)).json()) as Summary;
}

/** A configuration whose budgets make the fleet take a while. */
async function slowConfig(name: string, changes: object = {}): Promise<string> {
  const config = JSON.parse(await readFile(bench.configFile, "utf8")) as { targets: object[] };
  const targets = config.targets.map((target) => ({
    ...target,
    budgets: { invokesPerSecond: 10, connectsPerSecond: 10, burst: 1 },
    concurrency: 5,
  }));
  const file = join(bench.folder, name);
  await writeFile(file, JSON.stringify({ ...config, targets, ...changes }));
  return file;
}

describe("the daemon", () => {
  it("runs what it is told to over HTTP and shows it in /metrics", async () => {
    const { daemon, url } = await startDaemon();
    expect((await fetch(`${url}/-/healthy`)).status).toBe(200);
    expect((await fetch(`${url}/-/ready`)).status).toBe(200);
    const { status, location, run } = await trigger(url, { suite: "all" });
    expect({ status, location }).toEqual({ status: 202, location: `/api/v1/runs/${run.runId}` });
    await daemon.says(/run finished/);
    const finished = await get(url + location);
    expect(finished).toMatchObject({
      status: "finished",
      decision: "no-go",
      counts: { checks: 60, pass: 50, fail: 10 },
    });
    const page = await (await fetch(`${url}/metrics`)).text();
    expect(page).toMatch(/^fleet_smoke_runs_total\{suite="all",decision="no-go"\} 1$/m);
    expect(page).toMatch(
      /^fleet_smoke_gate_state\{suite="all",target="here",cohort="pumps",state="go"\} 1$/m,
    );
    expect(page).toMatch(
      /^fleet_smoke_check_failures_total\{.*cause="AUTHORIZER_DENIED_EXPECTED_ALLOW".*\} 10$/m,
    );
    expect(await stop(daemon)).toBe(0);
  });

  it("joins a second trigger of the same selection and refuses another one", async () => {
    const { daemon, url } = await startDaemon(await slowConfig("slow.yaml"));
    const first = await trigger(url);
    const second = await trigger(url);
    expect(second.run.runId).toBe(first.run.runId);
    expect((await trigger(url, { cohorts: ["pumps"] })).status).toBe(409);
    expect(await stop(daemon)).toBe(0);
  });

  it("drains on SIGTERM: what is in flight finishes, the rest is not run, and the run is never go", async () => {
    const { daemon, url } = await startDaemon(await slowConfig("slow.yaml"));
    await trigger(url, { cohorts: ["pumps"] });
    await expect
      .poll(async () => (await listed(url))?.counts.pass ?? 0, { timeout: 20_000 })
      .toBeGreaterThan(3);
    expect(await stop(daemon)).toBe(0);
    const finished = daemon
      .stderr()
      .split("\n")
      .find((line) => line.includes("run finished"));
    const { status, decision, counts } = JSON.parse(finished ?? "{}") as Summary;
    expect({ status, decision }).toEqual({ status: "interrupted", decision: "inconclusive" });
    expect(counts.checks + counts.notRun).toBe(50);
    expect(counts.notRun).toBeGreaterThan(0);
    expect(counts.fail).toBe(0);
  });

  it("is reached by a signal sent to npm run", async () => {
    const args = ["run", "-s", "fleet-smoke", "--", "daemon", "--config", bench.configFile];
    const npm = spawn("npm", args, { cwd: REPOSITORY, stdio: ["ignore", "ignore", "pipe"] });
    const ended = once(npm, "close");
    let said = "";
    npm.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await expect.poll(() => said, { timeout: 30_000 }).toContain("listening");
    npm.kill("SIGTERM");
    await ended;
    expect(said).toContain('"msg":"stopped"');
  });

  it("runs suites by the clock", async () => {
    const schedule = [{ suite: "all", cron: "* * * * * *", timezone: "UTC" }];
    const config = JSON.parse(await readFile(bench.configFile, "utf8")) as object;
    const file = join(bench.folder, "clock.yaml");
    await writeFile(file, JSON.stringify({ ...config, schedule }));
    const { daemon } = await startDaemon(file);
    await daemon.says(/scheduled trigger[\s\S]*run finished/);
    expect(await stop(daemon)).toBe(0);
  });

  it("refuses to start when a profile is wrong, and says where", async () => {
    const config = JSON.parse(await readFile(bench.configFile, "utf8")) as object;
    await writeFile(join(bench.folder, "broken.ndjson"), '{"id":"x","protocol":"mqtt"}\n');
    const file = join(bench.folder, "broken.yaml");
    await writeFile(file, JSON.stringify({ ...config, profiles: [{ path: "broken.ndjson" }] }));
    const daemon = start(["daemon", "--config", file]);
    expect(await daemon.ended).toBe(2);
    expect(daemon.stderr()).toMatch(/broken\.ndjson:1: identity: /);
  });
});

async function listed(url: string): Promise<Summary | undefined> {
  const { items } = (await (await fetch(`${url}/api/v1/runs`)).json()) as { items: Summary[] };
  return items[0];
}
