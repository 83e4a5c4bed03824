import { createHmac } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { GateAnswer } from "../../src/model/gate-answer.ts";
import type { AuditEntry } from "../../src/model/history.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { History } from "../../src/store/history.ts";
import { type Bench, goodDevice, startBench } from "../support/fleet.ts";
import { type Program, start } from "../support/program.ts";

let bench: Bench | null = null;
let daemon: Program | null = null;
afterEach(async () => {
  daemon?.process.kill("SIGKILL");
  await daemon?.ended;
  await bench?.end();
  bench = null;
  daemon = null;
});

const TOKENS = ["admin", "trigger"] as const;

async function startFleet(config: object = {}, count = 40, target: object = {}): Promise<Bench> {
  const profiles = Array.from({ length: count }, (_, index) =>
    goodDevice(index, index % 2 === 0 ? { cohort: "valves" } : {}),
  );
  bench = await startBench({
    profiles,
    target,
    config: {
      store: { path: "history.db" },
      http: {
        listen: "127.0.0.1:0",
        tokens: TOKENS.map((name) => ({ name, tokenFile: `${name}.token`, scopes: [name] })),
      },
      suites: [{ name: "all", derived: { perCohort: 0 } }],
      ...config,
    },
  });
  for (const name of TOKENS) await writeFile(join(bench.folder, `${name}.token`), `${name}-secret\n`);
  return bench;
}

/** A fleet that takes a while. */
const SLOW = { budgets: { invokesPerSecond: 20, connectsPerSecond: 20, burst: 1 }, concurrency: 5 };

async function listening({ configFile }: Bench): Promise<string> {
  daemon = start(["daemon", "--config", configFile]);
  const [, url = ""] = await daemon.says(/"url":"([^"]+)"/);
  return url;
}

async function call<T = unknown>(url: string, method: string, body?: object, token = "admin") {
  const response = await fetch(url, {
    method,
    headers: {
      authorization: `Bearer ${token}-secret`,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: response.status, body: (await response.json()) as T };
}

async function trigger(url: string): Promise<RunSummary> {
  return (await call<RunSummary>(`${url}/api/v1/runs`, "POST", {})).body;
}

async function runOf(url: string, runId: string): Promise<RunSummary> {
  return (await call<RunSummary>(`${url}/api/v1/runs/${runId}`, "GET")).body;
}

async function gateOf(url: string, method = "GET", body?: object): Promise<GateAnswer> {
  return (await call<{ data: GateAnswer }>(`${url}/api/v1/gate/all`, method, body)).body.data;
}

async function finished(url: string, runId: string): Promise<RunSummary> {
  await expect.poll(async () => (await runOf(url, runId)).status, { timeout: 40_000 }).toBe("finished");
  return runOf(url, runId);
}

async function metric(url: string, name: string): Promise<string[]> {
  const page = await (await fetch(`${url}/metrics`)).text();
  return page.split("\n").filter((line) => line.startsWith(`fleet_smoke_${name}`));
}

async function used(url: string): Promise<number> {
  const lines = await metric(url, "budget_used_total");
  return lines.reduce((all, line) => all + Number(line.split(" ").at(-1)), 0);
}

async function stop(): Promise<void> {
  daemon?.process.kill("SIGTERM");
  expect(await daemon?.ended).toBe(0);
}

function auditOf({ folder }: Bench): readonly Omit<AuditEntry, "atMs">[] {
  const opened = History.open(join(folder, "history.db"));
  if (opened.kind !== "open") throw new Error(opened.message);
  using history = opened.history;
  return history.auditEntries().map(({ actor, action, detail }) => ({ actor, action, detail }));
}

describe("a pause", () => {
  it("holds back every call and connection, survives a restart, and ends with all done", async () => {
    const fleet = await startFleet({}, 60, SLOW);
    let url = await listening(fleet);
    const { runId } = await trigger(url);
    await expect
      .poll(async () => (await runOf(url, runId)).counts.checks, { timeout: 20_000 })
      .toBeGreaterThan(5);
    const paused = await call(`${url}/-/pause`, "POST", { reason: "maintenance" });
    expect(paused).toMatchObject({
      status: 200,
      body: { paused: { actor: "admin", reason: "maintenance" } },
    });
    expect(await metric(url, "paused")).toEqual(["fleet_smoke_paused 1"]);
    expect((await fetch(`${url}/-/ready`)).status).toBe(200);

    // What is in flight finishes; from then on nothing is asked of AWS or the gateway.
    await expect
      .poll(async () => [await used(url), await used(url)], { interval: 300 })
      .toSatisfy(([one, other]: number[]) => one === other);
    const before = { used: await used(url), checks: (await runOf(url, runId)).counts.checks };
    expect(before.checks).toBeLessThan(60);
    expect(await gateOf(url)).toMatchObject({ decision: "running", ok: false, runId });
    expect((await gateOf(url)).reason).toContain("paused by admin");
    expect((await gateOf(url)).reason).toContain("maintenance");
    expect(await gateOf(url, "POST")).toMatchObject({ decision: "running", ok: false, runId });
    const probe = await call(`${url}/probe?device=device-00001`, "GET", undefined, "trigger");
    expect(probe).toMatchObject({ status: 503 });
    expect(await used(url)).toBe(before.used);
    await stop();

    url = await listening(fleet);
    expect(await metric(url, "paused")).toEqual(["fleet_smoke_paused 1"]);
    expect(await used(url)).toBe(0);
    expect(await call(`${url}/-/resume`, "POST")).toEqual({ status: 200, body: { paused: null } });
    expect(await metric(url, "paused")).toEqual(["fleet_smoke_paused 0"]);
    expect(await finished(url, runId)).toMatchObject({ decision: "go", counts: { checks: 60, pass: 60 } });
    await stop();
    const entries = auditOf(fleet);
    expect(entries).toContainEqual({ actor: "admin", action: "pause", detail: "maintenance" });
    expect(entries).toContainEqual({ actor: "admin", action: "resume", detail: "" });
    expect(entries).toContainEqual({
      actor: "admin",
      action: "trigger",
      detail: expect.stringContaining("suite all"),
    });
  });

  it("does not stop the deadline, which then says why", async () => {
    const fleet = await startFleet({ suites: [{ name: "all", deadline: "2s", derived: { perCohort: 0 } }] });
    const url = await listening(fleet);
    await call(`${url}/-/pause`, "POST", { reason: "maintenance" });
    const { runId } = await trigger(url);
    const { decision, notes, counts } = await finished(url, runId);
    expect({ decision, checks: counts.checks }).toEqual({ decision: "inconclusive", checks: 0 });
    expect(notes.join()).toMatch(/deadline was reached .*paused by admin since .*: maintenance/);
    expect(await gateOf(url)).toMatchObject({ decision: "inconclusive", ok: false });
  });

  it("is for administrators, and refusals are on record", async () => {
    const fleet = await startFleet();
    const url = await listening(fleet);
    expect((await call(`${url}/-/pause`, "POST", {}, "trigger")).status).toBe(403);
    expect((await call(`${url}/-/pause`, "POST", {}, "wrong")).status).toBe(401);
    expect((await call(`${url}/-/pause`, "POST", { reason: "a\nb" })).status).toBe(400);
    expect(await metric(url, "paused")).toEqual(["fleet_smoke_paused 0"]);
    for (let more = 0; more < 30; more += 1) await call(`${url}/-/resume`, "POST", {}, "trigger");
    await stop();
    const refused = auditOf(fleet).filter(({ action }) => action === "refused");
    expect(refused).toHaveLength(21);
    expect(refused[0]).toMatchObject({ actor: "trigger", detail: "POST /-/pause from 127.0.0.1: 403" });
    expect(refused.at(-1)?.detail).toBe("13 more requests within a minute");
  });
});

describe("a reload", () => {
  async function change(fleet: Bench, changes: (config: Record<string, unknown>) => object): Promise<void> {
    const config = JSON.parse(await readFile(fleet.configFile, "utf8")) as Record<string, unknown>;
    await writeFile(fleet.configFile, JSON.stringify({ ...config, ...changes(config) }));
  }

  it("puts all of a new configuration in force, and lets runs finish with the old one", async () => {
    const fleet = await startFleet({}, 40, SLOW);
    const url = await listening(fleet);
    const { runId } = await trigger(url);
    await expect
      .poll(async () => (await runOf(url, runId)).counts.checks, { timeout: 20_000 })
      .toBeGreaterThan(2);
    const only = Array.from({ length: 3 }, (_, index) => goodDevice(100 + index, { cohort: "taps" }));
    await writeFile(
      join(fleet.folder, "taps.ndjson"),
      only.map((each) => `${JSON.stringify(each)}\n`).join(""),
    );
    await writeFile(join(fleet.folder, "new.token"), "new-secret");
    await change(fleet, ({ http }) => ({
      profiles: [{ path: "taps.ndjson" }],
      suites: [{ name: "all", derived: { perCohort: 0 } }, { name: "night" }],
      http: {
        ...(http as object),
        tokens: [
          { name: "admin", tokenFile: "admin.token", scopes: ["admin"] },
          { name: "new", tokenFile: "new.token", scopes: ["trigger"] },
        ],
      },
    }));
    daemon?.process.kill("SIGHUP");
    await daemon?.says(/another configuration is in force/);
    expect((await call(`${url}/api/v1/runs`, "GET", undefined, "new")).status).toBe(200);
    expect((await call(`${url}/api/v1/runs`, "GET", undefined, "trigger")).status).toBe(401);
    expect((await call(`${url}/api/v1/gate/night`, "GET")).status).toBe(200);

    expect(await finished(url, runId)).toMatchObject({ decision: "go", counts: { checks: 40 } });
    // The decision was made for another configuration.
    expect(await gateOf(url)).toMatchObject({ decision: "inconclusive", ok: false });
    const counted = await metric(url, "runs_total{");
    expect(counted).toContain('fleet_smoke_runs_total{suite="all",decision="go"} 1');
    for (const name of ["profiles{", "checks_total", "gate_state"]) {
      const cohorts = new Set((await metric(url, name)).map((line) => /cohort="([^"]*)"/.exec(line)?.[1]));
      expect(
        [...cohorts].filter((cohort) => cohort !== ""),
        name,
      ).toEqual(name === "gate_state" ? [] : ["taps"]);
    }
    const { runId: next } = await trigger(url);
    expect(await finished(url, next)).toMatchObject({ decision: "go", counts: { checks: 3 } });
    await stop();
    expect(auditOf(fleet)).toContainEqual({ actor: "signal", action: "reload", detail: "" });
  });

  it("that is asked for while the daemon starts is done when it has", async () => {
    const { configFile, folder } = await startFleet({}, 4);
    const store = History.open(join(folder, "history.db"));
    if (store.kind !== "open") throw new Error(store.message);
    // It waits a moment for its store, so that it does not come to listen meanwhile.
    daemon = start(["daemon", "--config", configFile]);
    const { pid } = daemon.process;
    // Signals that do not end it, as a bit mask: SIGHUP is the last bit (proc(5)).
    const caught = async () =>
      /SigCgt:\s*(\w+)/.exec(await readFile(`/proc/${pid}/status`, "utf8"))?.[1] ?? "0";
    await expect.poll(caught, { interval: 5, timeout: 10_000 }).toMatch(/[13579bdf]$/);
    daemon.process.kill("SIGHUP");
    store.history[Symbol.dispose]();
    await daemon.says(/another configuration is in force/);
    await stop();
  });

  it("changes nothing where anything is wrong, and says what", async () => {
    const fleet = await startFleet();
    const url = await listening(fleet);
    const [before] = await metric(url, "config_last_reload_success_timestamp_seconds");
    await writeFile(join(fleet.folder, "bad.ndjson"), '{"id":"x","protocol":"mqtt"}\n');
    const wrongs: [(config: Record<string, unknown>) => object, RegExp][] = [
      [() => ({ suites: [{ name: "night", deadline: "soon" }] }), /deadline/],
      [
        () => ({ suites: [{ name: "night" }], profiles: [{ path: "bad.ndjson" }] }),
        /bad\.ndjson:1: identity/,
      ],
      [
        () => ({ suites: [{ name: "night" }], store: { path: "other.db" } }),
        /store\.path: changed; .*restart/,
      ],
      [
        ({ http }) => ({ suites: [{ name: "night" }], http: { ...(http as object), listen: "127.0.0.1:1" } }),
        /http\.listen: changed; .*restart/,
      ],
      [
        () => ({ suites: [{ name: "night" }], queue: { kind: "bullmq", redis: "redis://127.0.0.1:1" } }),
        /queue: changed; .*restart/,
      ],
    ];
    const good = await readFile(fleet.configFile, "utf8");
    for (const [changes, problem] of wrongs) {
      await change(fleet, changes);
      const answer = await call<{ problems: string[] }>(`${url}/-/reload`, "POST");
      expect(answer.status).toBe(422);
      expect(answer.body.problems.join("\n")).toMatch(problem);
      expect(await metric(url, "config_last_reload_successful")).toEqual([
        "fleet_smoke_config_last_reload_successful 0",
      ]);
      expect(await metric(url, "config_last_reload_success_timestamp_seconds")).toEqual([before]);
      expect(await metric(url, "profiles{")).toHaveLength(2);
      expect((await call(`${url}/api/v1/gate/night`, "GET")).status).toBe(404);
      await writeFile(fleet.configFile, good);
    }
    const { runId } = await trigger(url);
    expect(await finished(url, runId)).toMatchObject({ decision: "go", counts: { checks: 40 } });
    expect((await call(`${url}/-/reload`, "POST")).body).toEqual({ reloaded: true });
    expect(await metric(url, "config_last_reload_successful")).toEqual([
      "fleet_smoke_config_last_reload_successful 1",
    ]);
    // The same configuration: the decision holds.
    expect(await gateOf(url)).toMatchObject({ decision: "go" });
    await stop();
  });
});

interface Delivered {
  readonly id: string;
  readonly event: string;
  readonly decision: string;
  readonly previous?: string | null;
  readonly override?: object;
}

describe("webhooks", () => {
  let receiver: Server | null = null;
  afterEach(async () => {
    receiver?.closeAllConnections();
    await new Promise((resolve) => (receiver === null ? resolve(null) : receiver.close(resolve)));
    receiver = null;
  });

  async function startReceiver(): Promise<{
    url: string;
    delivered: Delivered[];
    answer: { status: number };
  }> {
    const delivered: Delivered[] = [];
    const answer = { status: 200 };
    receiver = createServer(async (request, response) => {
      let body = "";
      for await (const chunk of request.setEncoding("utf8")) body += chunk;
      const { "x-fleet-smoke-timestamp": at, "x-fleet-smoke-signature": signature } = request.headers;
      expect(signature).toBe(`sha256=${createHmac("sha256", "key").update(`${at}.${body}`).digest("hex")}`);
      const { "x-fleet-smoke-delivery": id } = request.headers;
      delivered.push({ ...(JSON.parse(body) as Delivered), id: String(id) });
      response.writeHead(answer.status).end();
    });
    receiver.listen(0, "127.0.0.1");
    await once(receiver, "listening");
    return { url: `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/hook`, delivered, answer };
  }

  it("that a killed daemon owed are delivered by the next one, under the id they had", async () => {
    const { url: hook, delivered, answer } = await startReceiver();
    const fleet = await startFleet({ notify: [{ url: hook, secretFile: "hook.key", on: ["go"] }] }, 4);
    await writeFile(join(fleet.folder, "hook.key"), "key\n");
    answer.status = 503;
    const url = await listening(fleet);
    await finished(url, (await trigger(url)).runId);
    await expect.poll(() => delivered.length).toBeGreaterThan(0);
    daemon?.process.kill("SIGKILL");
    await daemon?.ended;
    const tried = delivered.length;
    answer.status = 200;
    await listening(fleet);
    await expect.poll(() => delivered.length).toBe(tried + 1);
    expect(new Set(delivered.map(({ id, decision }) => `${id} ${decision}`)).size).toBe(1);
    await stop();
  });

  it("tell of decisions that change, across restarts, and of overrides", async () => {
    const { url: hook, delivered } = await startReceiver();
    const notify = [{ url: hook, secretFile: "hook.key", on: ["go", "no-go", "inconclusive"] }];
    const fleet = await startFleet({ notify }, 4);
    await writeFile(join(fleet.folder, "hook.key"), "key\n");
    const profiles = await readFile(join(fleet.folder, "fleet.ndjson"), "utf8");
    let url = await listening(fleet);
    const decide = async () => (await finished(url, (await trigger(url)).runId)).decision;
    expect([await decide(), await decide()]).toEqual(["go", "go"]);
    await expect.poll(() => delivered).toMatchObject([{ event: "decision", decision: "go", previous: null }]);

    await writeFile(join(fleet.folder, "fleet.ndjson"), profiles.replace('"right"', '"wrong"'));
    await stop();
    url = await listening(fleet);
    expect(await decide()).toBe("no-go");
    await expect.poll(() => delivered.length).toBe(2);
    expect(delivered[1]).toMatchObject({ event: "decision", decision: "no-go", previous: "go" });

    // Nobody answers: inconclusive, and somebody lets it pass.
    fleet.emulator.process.kill("SIGKILL");
    await fleet.emulator.ended;
    // A run of its own: the key of a no-go would find it, and no override lets that pass.
    await call(`${url}/api/v1/runs`, "POST", { idempotencyKey: "rollout-1" });
    const asked = { idempotencyKey: "rollout-1", onInconclusive: "pass", reason: "AWS is down" };
    await expect
      .poll(() => gateOf(url, "POST", asked), { timeout: 20_000 })
      .toMatchObject({ decision: "inconclusive", ok: true, override: { actor: "admin" } });
    const { runId } = await gateOf(url, "POST", asked);
    const override = { actor: "admin", reason: "AWS is down" };
    await expect.poll(() => delivered.length).toBe(4);
    expect(delivered.slice(2)).toMatchObject([
      { event: "decision", decision: "inconclusive", previous: "no-go" },
      { event: "override", decision: "inconclusive", runId, override },
    ]);
    expect(await metric(url, "overrides_total")).toEqual(['fleet_smoke_overrides_total{suite="all"} 1']);
    expect((await runOf(url, runId ?? "")).notes).toContain(
      "the decision was let pass by admin: AWS is down",
    );
    expect(await gateOf(url)).toMatchObject({ decision: "inconclusive", ok: false });
    await stop();
    const [entry] = auditOf(fleet).filter(({ action }) => action === "override");
    expect(entry).toMatchObject({ actor: "admin", detail: expect.stringContaining("all: AWS is down") });
  });
});
