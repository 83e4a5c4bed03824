import { appendFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { type CallOptions, raw, request } from "../http/http-support.ts";
import { goodDevice } from "../support/fleet.ts";
import type { InProcess } from "../support/in-process.ts";
import { analyse, measure, RECIPE } from "./argo.ts";
import { Lab, type RunView, TOKENS } from "./lab.ts";

let lab: Lab;
beforeAll(async () => {
  lab = await Lab.open();
});
afterAll(() => lab?.end());

/** How each consumer that only looks reads a suite; none of them triggers anything. */
interface Looks {
  readonly argo: string;
  readonly rollback: boolean;
  readonly prometheus: boolean;
  readonly poller: string;
}

async function looks(suite: string): Promise<Looks> {
  const { data } = (await (await lab.peek(suite)).json()) as { data: { decision: string; ok: boolean } };
  expect(data.ok).toBe(data.decision === "go");
  return {
    argo: await measure(await lab.peek(suite), RECIPE),
    rollback: (await lab.flagger(suite, "flagger/rollback")).passes,
    prometheus: await lab.prometheus(suite),
    poller: data.decision,
  };
}

const UNDECIDED: Looks = { argo: "Inconclusive", rollback: false, prometheus: false, poller: "inconclusive" };
const UNDER_WAY: Looks = { ...UNDECIDED, poller: "running" };

async function finished(suite: string): Promise<RunView> {
  const { runId } = await lab.trigger(suite);
  await expect.poll(async () => (await lab.run(runId)).status, { timeout: 50_000 }).toBe("finished");
  return lab.run(runId);
}

/** The tests follow each other: what one leaves running, the next one ends. */
describe("what consumers make of a suite", () => {
  it("never run: nobody reads a go, and looking triggers nothing", async () => {
    expect(await looks("never")).toEqual(UNDECIDED);
    const { items } = (await (await lab.call("/api/v1/runs")).json()) as { items: unknown[] };
    expect(items).toEqual([]);
  });

  it("go: everybody reads a go", async () => {
    await finished("go");
    expect(await looks("go")).toEqual({
      argo: "Successful",
      rollback: false,
      prometheus: true,
      poller: "go",
    });
    expect(await analyse(() => lab.ask("go", "go-1"), RECIPE)).toBe("Successful");
    expect((await lab.flagger("go")).passes).toBe(true);
    const gate = await lab.gate("go");
    expect([gate.code, gate.stdout]).toEqual([0, expect.stringMatching(/^go: go: /)]);
  });

  it("no-go: everybody reads a no-go, and only the rollback hook says yes", async () => {
    await finished("no-go");
    expect(await looks("no-go")).toEqual({
      argo: "Failed",
      rollback: true,
      prometheus: false,
      poller: "no-go",
    });
    expect(await analyse(() => lab.ask("no-go", "no-go-1"), RECIPE)).toBe("Failed");
    expect(await lab.flagger("no-go")).toEqual({
      passes: false,
      shown: expect.stringMatching(/^no-go: .*\n$/),
    });
    expect((await lab.gate("no-go")).code).toBe(3);
    // A key of another suite's run answers no question about this one.
    expect((await lab.ask("no-go", "go-1")).status).toBe(409);
  });

  it("inconclusive: nobody reads a go or a no-go", async () => {
    await finished("inconclusive");
    expect(await looks("inconclusive")).toEqual(UNDECIDED);
    expect(await analyse(() => lab.ask("inconclusive", "inconclusive-1"), RECIPE)).toBe("Inconclusive");
    expect(await lab.flagger("inconclusive")).toEqual({
      passes: false,
      shown: expect.stringMatching(/^inconclusive: .*minChecks.*\n$/),
    });
    expect((await lab.gate("inconclusive")).code).toBe(4);
  });

  it("nothing selected: nobody reads a go, and the gate command has a code of its own", async () => {
    await finished("nothing");
    expect(await looks("nothing")).toEqual(UNDECIDED);
    expect(await analyse(() => lab.ask("nothing", "nothing-1"), RECIPE)).toBe("Inconclusive");
    expect((await lab.flagger("nothing")).passes).toBe(false);
    expect((await lab.gate("nothing")).code).toBe(5);
  });

  it("expired: a go that is too old is none, with its key too; whoever may trigger gets a new one", async () => {
    const { runId } = await finished("expired");
    await lab.ask("expired", "expired-1");
    await expect.poll(() => looks("expired"), { timeout: 20_000, interval: 500 }).toEqual(UNDECIDED);
    expect((await lab.run(runId)).decision).toBe("go");
    expect(await measure(await lab.ask("expired", "expired-1"), RECIPE)).toBe("Inconclusive");
    expect((await lab.flagger("expired")).passes).toBe(true);
  });

  it("running: everybody waits, and a poll that runs out is no success", async () => {
    const { runId } = await lab.trigger("cancelled");
    expect(await looks("cancelled")).toEqual(UNDER_WAY);
    expect(await analyse(() => lab.ask("cancelled", "cancelled-1"), RECIPE)).toBe("Inconclusive");
    // Why the recipe has the limit: without it Argo Rollouts takes a run that has not ended for a success.
    const trap = { ...RECIPE, consecutiveSuccessLimit: null };
    expect(await analyse(() => lab.ask("cancelled", "cancelled-1"), trap)).toBe("Successful");
    expect(await lab.flagger("cancelled")).toEqual({
      passes: false,
      shown: expect.stringMatching(/^running: \d+ of 60 checks \(run .*\)\n$/),
    });
    const gate = await lab.gate("cancelled", { timeout: "1s" });
    expect([gate.code, gate.stderr]).toEqual([4, expect.stringMatching(/no decision in time/)]);
    expect((await lab.run(runId)).status).toBe("running");
  });

  it("cancelled: nobody reads a go or a no-go", async () => {
    const { items } = (await (await lab.call("/api/v1/runs?limit=1")).json()) as { items: RunView[] };
    const runId = items[0]?.runId ?? "";
    expect((await lab.call(`/api/v1/runs/${runId}`, { method: "DELETE", token: "dashboards" })).status).toBe(
      403,
    );
    expect((await lab.call(`/api/v1/runs/${runId}`, { method: "DELETE" })).status).toBe(202);
    await expect.poll(async () => (await lab.run(runId)).status, { timeout: 20_000 }).toBe("cancelled");
    expect((await lab.call(`/api/v1/runs/${runId}`, { method: "DELETE" })).status).toBe(409);
    expect(await looks("cancelled")).toEqual(UNDECIDED);
    // The key that found the run while it was under way stays with it.
    expect(await measure(await lab.ask("cancelled", "cancelled-1"), RECIPE)).toBe("Inconclusive");
    expect((await lab.run(runId)).decision).not.toBe("go");
  });

  describe("crashed", () => {
    let runId = "";
    let killed: { readonly flagger: boolean; readonly gate: InProcess };
    beforeAll(async () => {
      ({ runId } = await lab.trigger("crashed"));
      await vi.waitUntil(async () => (await lab.run(runId)).counts.pass > 2, { timeout: 30_000 });
      await lab.kill();
      killed = { flagger: (await lab.flagger("go")).passes, gate: await lab.gate("go") };
      await lab.start();
    });

    it("nobody reads a go where no daemon answers", () => {
      expect(killed.flagger).toBe(false);
      expect([killed.gate.code, killed.gate.stdout]).toEqual([1, ""]);
      expect(killed.gate.stderr).toMatch(/the daemon does not answer: ECONNREFUSED/);
    });

    it("the next process goes on with the run, and everybody waits for it", async () => {
      expect(await looks("crashed")).toEqual(UNDER_WAY);
      expect((await lab.run(runId)).status).toBe("running");
      expect((await lab.gate("crashed", { timeout: "1s" })).code).toBe(4);
    });

    it("refuses what is rude without disturbing the run", async () => {
      const port = Number(new URL(lab.url).port);
      const slow = Array.from({ length: 20 }, () =>
        raw(port, "GET /api/v1/gate/crashed HTTP/1.1\r\nHost: localhost\r\nX-Slow: "),
      );
      const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
      const json = { suite: "crashed", cohorts: ["pumps"] };
      const run = `/api/v1/runs/${runId}`;
      const calls: [string, CallOptions, number][] = [
        ["/api/v1/runs", { method: "POST", json }, 401],
        [run, { method: "DELETE", headers: bearer("guessed") }, 401],
        [run, { method: "DELETE", headers: bearer(TOKENS.dashboards) }, 403],
        ["/api/v1/runs", { method: "POST", json, headers: bearer(TOKENS.dashboards) }, 403],
        ["/api/v1/runs", { method: "POST", json, headers: bearer(TOKENS.ci) }, 409],
        ["/api/v1/gate/..%2f..%2fetc%2fpasswd", { headers: bearer(TOKENS.ci) }, 404],
        ["/api/v1/runs/../../../etc/passwd", { headers: bearer(TOKENS.ci) }, 404],
        [`${run}/results?verdict=all`, { headers: bearer(TOKENS.ci) }, 400],
      ];
      const type = { "content-type": "application/json", ...bearer(TOKENS.ci) };
      for (const [body, status] of [
        ['{"suite":', 400],
        ["x".repeat(100_000), 413],
      ] as const) {
        calls.push(["/api/v1/gate/crashed", { method: "POST", headers: type, body }, status]);
      }
      for (const [path, options, status] of calls) {
        expect([path, (await request(lab.url, path, options)).status]).toEqual([path, status]);
      }
      for (const answer of await Promise.all(slow)) expect(answer).toMatch(/^HTTP\/1\.1 408 /);
      expect((await lab.run(runId)).status).toMatch(/^(running|finished)$/);
    });

    it("a decision of the process that was killed holds in the next one", async () => {
      expect((await looks("go")).argo).toBe("Successful");
    });

    it("the run ends as if nothing had happened", async () => {
      const events = await (await lab.call(`/api/v1/runs/${runId}/events`)).text();
      expect(events).toMatch(/\nevent: end\ndata: \{.*"status":"finished","decision":"go".*\}\n\n$/);
      const { decision, counts } = await lab.run(runId);
      expect({ decision, counts }).toMatchObject({
        decision: "go",
        counts: { checks: 60, pass: 60, notRun: 0 },
      });
      expect(await looks("crashed")).toMatchObject({ argo: "Successful", prometheus: true });
    });
  });

  it("run again after a go: while the new run is under way the old go counts for nobody", async () => {
    const { runId } = await lab.trigger("crashed");
    expect(await looks("crashed")).toEqual(UNDER_WAY);
    await lab.call(`/api/v1/runs/${runId}`, { method: "DELETE" });
    await expect.poll(async () => (await lab.run(runId)).status, { timeout: 20_000 }).toBe("cancelled");
    expect(await looks("crashed")).toEqual(UNDECIDED);
  });

  it("the fleet has changed since: a go is none any more, and the next run tests the new fleet", async () => {
    const added = { ...goodDevice(5, { cohort: "pumps" }), target: "here" };
    await appendFile(join(lab.bench.folder, "fleet.ndjson"), `${JSON.stringify(added)}\n`);
    const { data } = (await (await lab.peek("go")).json()) as { data: object };
    expect(data).toMatchObject({
      decision: "inconclusive",
      ok: false,
      reason: expect.stringMatching(/profiles changed/),
    });
    expect((await looks("go")).argo).toBe("Inconclusive");
    expect((await looks("no-go")).rollback).toBe(false);
    expect(await measure(await lab.ask("go", "go-1"), RECIPE)).toBe("Inconclusive");
    const gate = await lab.gate("go");
    expect(gate.code).toBe(0);
    expect(gate.stdout).toContain("4 pass");
  });
});

describe("the gate command", () => {
  it("fails with 1 and says why where the token is wrong, has not the scope, or no daemon answers", async () => {
    const wrong = await lab.gate("go", { token: "wrong" });
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringMatching(/401.*is the token the daemon's\?/),
    ]);
    const reader = await lab.gate("go", { token: "dashboards" });
    expect([reader.code, reader.stderr]).toEqual([1, expect.stringMatching(/403.*scope `trigger`/)]);
    const nobody = await lab.gate("go", { url: "http://127.0.0.1:1" });
    expect([nobody.code, nobody.stderr]).toEqual([1, expect.stringMatching(/does not answer/)]);
    const unknown = await lab.gate("unheard-of");
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringMatching(/404: no such suite/)]);
    const notOurs = await lab.gate("go", { url: lab.bench.api });
    expect([notOurs.code, notOurs.stdout]).toEqual([1, ""]);
  });
});

describe("a daemon that is told to stop", () => {
  it("gives no decision meanwhile, and ends no stream as if its run were over", async () => {
    const { runId } = await lab.trigger("cancelled");
    await vi.waitUntil(async () => (await lab.run(runId)).counts.pass > 2, { timeout: 30_000 });
    const stream = await lab.call(`/api/v1/runs/${runId}/events`);
    const events = stream.text();
    const stopped = lab.stop();
    const heard = new Set<string>();
    for (;;) {
      const answer = await lab.peek("cancelled").catch(() => null);
      if (answer === null) break;
      const { data } = (await answer.json()) as { data?: { decision: string } };
      heard.add(`${answer.status} ${data?.decision ?? "none"}`);
    }
    for (const each of heard) expect(["200 running", "503 none"]).toContain(each);
    expect(heard).toContain("503 none");
    expect(await stopped).toBe(0);
    expect(await events).toMatch(/event: progress/);
    expect(await events).not.toContain("event: end");
  });
});
