import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parsePage, parseRunRequest } from "../../src/http/run-request.ts";
import { type Answer, RUN_ID, recordingRuns, startServer, summary } from "./http-support.ts";

/** Every refusal has these members and no other, unless a test says so. */
function expectProblem(answer: Answer, status: number): string {
  expect({ status: answer.status, type: answer.headers["content-type"] }).toEqual({
    status,
    type: "application/problem+json",
  });
  const problem = answer.json() as { detail: string };
  expect(problem).toEqual({
    type: "about:blank",
    title: expect.stringMatching(/^[A-Z]/),
    status,
    detail: expect.stringMatching(/./),
  });
  expect(answer.text).not.toMatch(/FST_|node_modules|\.ts\b|\bat /);
  return problem.detail;
}

describe("POST /api/v1/runs", () => {
  it("triggers what the body selects and says where the run is", async () => {
    const { runs, triggered } = recordingRuns({ suites: ["all", "pre-rollout"] });
    const server = await startServer({}, { runs });
    const json = { suite: "pre-rollout", cohorts: ["pumps"], devices: ["pump-1", "pump-2"] };
    const answer = await server.call("/api/v1/runs", { method: "POST", json });
    expect([answer.status, answer.headers.location]).toEqual([202, `/api/v1/runs/${RUN_ID}`]);
    expect(answer.json()).toEqual(summary());
    expect(triggered).toEqual([{ selection: { ...json, allowDeviceIdentity: 0 }, idempotencyKey: null }]);
  });

  it.each([
    [{ sample: 200 }, { kind: "devices", devices: 200 }],
    [{ sample: "200" }, { kind: "devices", devices: 200 }],
    [{ sample: "0.5%" }, { kind: "percent", percent: 0.5 }],
    [{ within: "20m" }, { kind: "within", withinMs: 1_200_000 }],
  ])("draws %j", async (json, sample) => {
    const { runs, triggered } = recordingRuns({ suites: ["all"] });
    const server = await startServer({}, { runs });
    expect((await server.call("/api/v1/runs", { method: "POST", json })).status).toBe(202);
    expect(triggered).toMatchObject([{ selection: { suite: "all", sample } }]);
  });

  it.each([
    [["nightly"], "nightly"],
    [["nightly", "all"], "all"],
  ])("without a body, of the suites %j takes %s", async (suites, suite) => {
    const { runs, triggered } = recordingRuns({ suites });
    const server = await startServer({}, { runs });
    expect((await server.call("/api/v1/runs", { method: "POST" })).status).toBe(202);
    expect(triggered).toEqual([
      { selection: { suite, cohorts: null, devices: null, allowDeviceIdentity: 0 }, idempotencyKey: null },
    ]);
  });

  it("asks which suite where there is no plain choice", async () => {
    const { runs, triggered } = recordingRuns({ suites: ["nightly", "weekly"] });
    const server = await startServer({}, { runs });
    const detail = expectProblem(await server.call("/api/v1/runs", { method: "POST", json: {} }), 400);
    expect(detail).toMatch(/^suite: missing/);
    expect(triggered).toEqual([]);
  });

  it("does not know other suites", async () => {
    const { runs, triggered } = recordingRuns();
    const server = await startServer({}, { runs });
    for (const suite of ["nightly", "ALL", "__proto__", "../all"]) {
      expectProblem(await server.call("/api/v1/runs", { method: "POST", json: { suite } }), 404);
    }
    expect(triggered).toEqual([]);
  });

  it.each([
    ["the header", { headers: { "idempotency-key": "deploy-42" }, json: {} }],
    ["the body", { json: { idempotencyKey: "deploy-42" } }],
    ["both alike", { headers: { "idempotency-key": "deploy-42" }, json: { idempotencyKey: "deploy-42" } }],
  ])("passes on the idempotency key of %s", async (_where, options) => {
    const { runs, triggered } = recordingRuns();
    const server = await startServer({}, { runs });
    await server.call("/api/v1/runs", { method: "POST", ...options });
    expect(triggered.map(({ idempotencyKey }) => idempotencyKey)).toEqual(["deploy-42"]);
  });

  it("refuses keys that contradict each other or are no key", async () => {
    const { runs, triggered } = recordingRuns();
    const server = await startServer({}, { runs });
    for (const [header, inBody] of [
      ["a", "b"],
      ["x".repeat(256), undefined],
      ["café", undefined],
    ] as const) {
      const options = { headers: { "idempotency-key": header }, json: { idempotencyKey: inBody } };
      expectProblem(await server.call("/api/v1/runs", { method: "POST", ...options }), 400);
    }
    expect(triggered).toEqual([]);
  });

  it.each(["joined", "known"] as const)("answers a run that is %s like a new one", async (kind) => {
    const server = await startServer({}, { runs: recordingRuns({ answer: { kind, run: summary() } }).runs });
    const answer = await server.call("/api/v1/runs", { method: "POST" });
    expect([answer.status, answer.headers.location]).toEqual([202, `/api/v1/runs/${RUN_ID}`]);
  });

  it("says which run is in the way", async () => {
    const { runs } = recordingRuns({ answer: { kind: "busy", runId: RUN_ID, reason: "another selection" } });
    const server = await startServer({}, { runs });
    const answer = await server.call("/api/v1/runs", { method: "POST" });
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json()).toMatchObject({ status: 409, detail: "another selection", runId: RUN_ID });
  });

  it("asks to come again while the daemon drains", async () => {
    const server = await startServer({}, { runs: recordingRuns({ answer: { kind: "draining" } }).runs });
    const answer = await server.call("/api/v1/runs", { method: "POST" });
    expectProblem(answer, 503);
    expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
  });

  it.each([
    [
      "an unknown key",
      { suites: "all" },
      /^unknown key; expected only suite, cohorts, devices, sample, within, idempotencyKey$/,
    ],
    ["a number for the suite", { suite: 1 }, /^suite: expected text$/],
    ["null for the suite", { suite: null }, /^suite: /],
    ["an empty suite", { suite: "" }, /^suite: /],
    ["text for the cohorts", { cohorts: "pumps" }, /^cohorts: expected a list/],
    ["no cohort at all", { cohorts: [] }, /^cohorts: an empty list selects nothing/],
    ["an object for a device", { devices: ["a", {}] }, /^devices\.1: expected text$/],
    ["a sample of nothing", { sample: 0 }, /^sample: expected a number of devices, or a percentage/],
    ["a sample of too much", { sample: "101%" }, /^sample: expected a number of devices, or a percentage/],
    ["a list for the sample", { sample: ["5%"] }, /^sample: expected a number of devices, or a percentage/],
    ["no time at all", { within: "0s" }, /^within: expected a duration/],
    ["a number for the time", { within: 20 }, /^within: expected a duration/],
    ["a sample of two sizes", { sample: 5, within: "20m" }, /^sample and within exclude each other$/],
    ["a list", [], /^expected an object$/],
    ["text", "all", /^expected an object$/],
  ])("refuses %s, and names the field", async (_what, json, detail) => {
    const { runs, triggered } = recordingRuns();
    const server = await startServer({}, { runs });
    expect(expectProblem(await server.call("/api/v1/runs", { method: "POST", json }), 400)).toMatch(detail);
    expect(triggered).toEqual([]);
  });

  it.each([
    ["broken JSON", 400, "application/json", '{"suite":'],
    ["nothing", 400, "application/json", ""],
    ["a prototype", 400, "application/json", '{"__proto__":{"suite":"all"}}'],
    ["a form", 415, "application/x-www-form-urlencoded", "suite=all"],
    ["JSON called text, as a foreign page could send it", 415, "text/plain", "{}"],
    ["an unnamed type", 415, "", "{}"],
    ["garbage for a type", 415, "garbage", "{}"],
    ["more than 64 KiB", 413, "application/json", `{"suite":"${"x".repeat(64 * 1024)}"}`],
  ])("refuses %s with %i", async (_what, status, type, body) => {
    const { runs, triggered } = recordingRuns();
    const server = await startServer({}, { runs });
    const headers: Record<string, string> = type === "" ? {} : { "content-type": type };
    const answer = await server.call("/api/v1/runs", { method: "POST", headers, body });
    expectProblem(answer, status);
    expect(triggered).toEqual([]);
  });

  it("refuses more than 64 KiB also where the length is not told", async () => {
    const server = await startServer();
    const headers = { "content-type": "application/json", "transfer-encoding": "chunked" };
    const body = `{"suite":"${"x".repeat(64 * 1024)}"}`;
    expectProblem(await server.call("/api/v1/runs", { method: "POST", headers, body }), 413);
  });

  it("takes no parameters", async () => {
    const { runs, triggered } = recordingRuns();
    const server = await startServer({}, { runs });
    expectProblem(await server.call("/api/v1/runs?suite=nightly", { method: "POST" }), 400);
    expect(triggered).toEqual([]);
  });
});

describe("GET /api/v1/runs", () => {
  it("lists runs a page at a time", async () => {
    const pages: unknown[] = [];
    const { runs } = recordingRuns({
      list: (cursor, limit) => {
        pages.push([cursor, limit]);
        return { items: [summary()], nextCursor: "next" };
      },
    });
    const server = await startServer({}, { runs });
    expect((await server.call("/api/v1/runs")).json()).toEqual({ items: [summary()], nextCursor: "next" });
    await server.call("/api/v1/runs?cursor=next&limit=200");
    expect(pages).toEqual([
      [null, 50],
      ["next", 200],
    ]);
  });

  it.each([
    "limit=0",
    "limit=201",
    "limit=-1",
    "limit=1.5",
    "limit=1e2",
    "limit=",
    "limit=1&limit=2",
    "cursor=",
    "cursor=a&cursor=b",
    "suite=all",
  ])("refuses ?%s", async (query) => {
    const server = await startServer();
    expectProblem(await server.call(`/api/v1/runs?${query}`), 400);
  });
});

describe("GET /api/v1/runs/{id}", () => {
  it("gives the run", async () => {
    const server = await startServer();
    const answer = await server.call(`/api/v1/runs/${RUN_ID}`);
    expect([answer.status, answer.json()]).toEqual([200, summary()]);
  });

  it.each([
    ["other", 404],
    ["..%2f..%2f..%2fetc%2fpasswd", 404],
    ["../../../etc/passwd", 404],
    ["%00", 404],
    ["%E0%A4%A", 400],
    ["%zz", 400],
    ["x".repeat(4_000), 414],
    [`${RUN_ID}?verbose=1`, 400],
    ["", 404],
  ])("answers %j with %i", async (path, status) => {
    const server = await startServer();
    expectProblem(await server.call(`/api/v1/runs/${path}`), status);
  });
});

describe("metrics and health", () => {
  it("serve the page with its own type", async () => {
    const server = await startServer();
    const { headers, text } = await server.call("/metrics?name[]=up");
    expect([headers["content-type"], text]).toEqual(["text/plain; version=0.0.4; charset=utf-8", "up 1\n"]);
  });

  it("tell that the daemon lives, and whether it is ready", async () => {
    let state = { ready: true, reason: "ready" };
    const server = await startServer({}, { ready: () => state });
    expect((await server.call("/-/ready")).text).toBe("ready\n");
    state = { ready: false, reason: "draining" };
    const answer = await server.call("/-/ready");
    expect([answer.status, answer.text]).toEqual([503, "draining\n"]);
    expect((await server.call("/-/healthy")).status).toBe(200);
  });
});

describe("every answer", () => {
  const PATHS = [
    "/",
    "/metrics",
    "/-/ready",
    "/api/v1/runs",
    "/api/v1/runs/other",
    "/nowhere",
    "/%zz",
    "/openapi.json",
  ];

  it("forbids guessing its type, keeping it and framing it, and does not name our software", async () => {
    const server = await startServer();
    for (const path of PATHS) {
      const { headers } = await server.call(path);
      expect(headers).toMatchObject({ "x-content-type-options": "nosniff", "cache-control": "no-store" });
      expect(headers["content-security-policy"]).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
      expect(headers).not.toHaveProperty("x-powered-by");
      expect(headers).not.toHaveProperty("server");
    }
  });

  it("to HEAD has the headers of GET and no body", async () => {
    const server = await startServer();
    for (const path of PATHS) {
      const [head, get] = [await server.call(path, { method: "HEAD" }), await server.call(path)];
      expect(head.text).toBe("");
      for (const name of ["content-type", "content-length"])
        expect(head.headers[name]).toBe(get.headers[name]);
      expect(head.status).toBe(get.status);
    }
  });

  it("to OPTIONS and to a wrong method tells the right ones", async () => {
    const server = await startServer();
    for (const method of ["OPTIONS", "PATCH"]) {
      const allow = async (path: string) => (await server.call(path, { method })).headers.allow;
      expect(await allow("/api/v1/runs")).toBe("GET, POST, HEAD, OPTIONS");
      expect(await allow("/metrics")).toBe("GET, HEAD, OPTIONS");
      expect(await allow("/probe")).toBe("GET, OPTIONS");
      expect(await allow("/-/reload")).toBe("POST, OPTIONS");
    }
  });

  it("is 404 for methods nobody knows", async () => {
    const server = await startServer();
    expectProblem(await server.call("/metrics", { method: "PROPFIND" }), 404);
  });

  it("to a fault of ours is one log line and says nothing of it", async () => {
    const metricsPage = () => Promise.reject(new Error("internal-detail-4711"));
    const server = await startServer({}, { metricsPage });
    const headers = { authorization: "Bearer planted-secret" };
    const answer = await server.call("/metrics?token=planted-secret", { headers });
    expectProblem(answer, 500);
    expect(answer.text).not.toContain("4711");
    expect(server.log().match(/"request failed"/g)).toHaveLength(1);
    expect(server.log()).toContain("internal-detail-4711");
    expect(server.log()).not.toContain("planted-secret");
  });
});

describe("what a caller sends", () => {
  it("is either a selection of the right types or refused with a short sentence", () => {
    const value = fc.oneof(fc.jsonValue(), fc.string(), fc.array(fc.string()));
    const key = fc.constantFrom("suite", "cohorts", "devices", "idempotencyKey", "__proto__", "other");
    const body = fc.oneof(fc.jsonValue(), fc.dictionary(key, value));
    fc.assert(
      fc.property(body, fc.option(fc.string()), (sent, header) => {
        const parsed = parseRunRequest(sent, header);
        if (parsed.kind === "invalid") {
          expect(parsed.detail).toMatch(/^[\x20-\x7e]{1,500}$/);
          return;
        }
        const { suite, cohorts, devices, idempotencyKey } = parsed.value;
        for (const each of [suite, idempotencyKey]) if (each !== null) expect(each).not.toBe("");
        for (const each of [cohorts, devices]) if (each !== null) expect(each.length).toBeGreaterThan(0);
      }),
    );
  });

  it("never gives a page of another size than 1 to 200", () => {
    fc.assert(
      fc.property(fc.oneof(fc.integer().map(String), fc.string(), fc.array(fc.string())), (limit) => {
        const parsed = parsePage({ limit });
        if (parsed.kind === "invalid") return;
        expect(parsed.value.limit).toBeGreaterThanOrEqual(1);
        expect(parsed.value.limit).toBeLessThanOrEqual(200);
      }),
    );
  });
});
