import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CAUSE_GUIDE } from "../../src/cli/daemon/cause-guide.ts";
import type { OverviewPort } from "../../src/http/ports.ts";
import { toRecord } from "../../src/lib/words.ts";
import { CAUSE_CODES } from "../../src/model/causes.ts";
import type { CauseGuide, DeviceResult } from "../../src/model/overview.ts";
import { resultOf } from "../support/results.ts";
import {
  gateAnswerOf,
  NO_OVERVIEW,
  RUN_ID,
  recordingGate,
  recordingRuns,
  startServer,
  summary,
} from "./http-support.ts";

function overviewOf(changes: Partial<OverviewPort>) {
  return { overview: { ...NO_OVERVIEW, ...changes } };
}

const RULE = {
  ...{ rule: "minPassRatio", target: null, cohort: null, threshold: 1, observed: 0.5, met: false },
  unmetMeans: "no-go" as const,
};

describe("GET /api/v1/suites", () => {
  it("says what each gate says, by which rules, and what goes on", async () => {
    const { runs } = recordingRuns({ suites: ["all", "night"] });
    const { gate, asked, peeked } = recordingGate(gateAnswerOf({ decision: "no-go" }));
    const lastGo = { runId: "20261122T011729Z-4f1c9a", decidedAt: "2026-11-22T01:17:40.000Z" };
    const ended = {
      ...summary(),
      gate: { decision: "no-go", rules: [RULE], reason: "", groups: [], nothingSelected: false } as const,
    };
    const { overview } = overviewOf({
      running: (suite) => (suite === "all" ? RUN_ID : null),
      lastWhole: (suite) => (suite === "all" ? ended : null),
      lastGo: (suite) => (suite === "all" ? lastGo : null),
    });
    const server = await startServer({}, { runs, gate, overview });
    const answer = gateAnswerOf({ decision: "no-go" });
    expect((await server.call("/api/v1/suites")).json()).toEqual({
      items: [
        { suite: "all", answer, rules: [RULE], running: RUN_ID, lastGo },
        { suite: "night", answer, rules: [], running: null, lastGo: null },
      ],
    });
    expect([peeked, asked]).toEqual([["all", "night"], []]);
  });

  it("gives no decision while the daemon stops", async () => {
    const server = await startServer({}, { ready: () => ({ ready: false, reason: "draining" }) });
    expect((await server.call("/api/v1/suites")).status).toBe(503);
  });
});

describe("GET /api/v1/history", () => {
  it("asks for one suite, and for as many points as were asked for", async () => {
    const asked: unknown[] = [];
    const { overview } = overviewOf({
      history: (...query) => {
        asked.push(query);
        return { items: [], nextCursor: null };
      },
    });
    const server = await startServer({}, { overview });
    await server.call("/api/v1/history?suite=all");
    await server.call(`/api/v1/history?suite=all&limit=200&cursor=${RUN_ID}`);
    expect(asked).toEqual([
      ["all", null, 50],
      ["all", RUN_ID, 200],
    ]);
  });

  it.each([
    ["", 400],
    ["?suite=", 400],
    ["?suite=all&limit=201", 400],
    ["?suite=all&since=yesterday", 400],
    ["?suite=other", 404],
  ])("refuses %s with %i", async (query, status) => {
    const server = await startServer();
    expect((await server.call(`/api/v1/history${query}`)).status).toBe(status);
  });
});

describe("GET /api/v1/runs/{id}/latency", () => {
  it("gives the distributions of a run", async () => {
    const row = { protocol: "mqtt", phase: "total", samples: 2, p50: 0.1, p95: 0.2, p99: 0.2, max: 0.2 };
    const items = [{ ...row, buckets: [{ le: 0.25, count: 2 }] }];
    const { overview } = overviewOf({ latency: (runId) => (runId === RUN_ID ? items : null) });
    const server = await startServer({}, { overview });
    expect((await server.call(`/api/v1/runs/${RUN_ID}/latency`)).json()).toEqual({ items });
    expect((await server.call("/api/v1/runs/other/latency")).status).toBe(404);
    expect((await server.call(`/api/v1/runs/${RUN_ID}/latency?phase=tls`)).status).toBe(400);
  });
});

describe("GET /api/v1/devices/{id}/results", () => {
  const result: DeviceResult = {
    ...{ runId: RUN_ID, startedAt: "2026-11-23T01:17:29.000Z" },
    ...toRecord(resultOf()),
  };

  it("takes any id that a profile can have", async () => {
    const asked: unknown[] = [];
    const { overview } = overviewOf({
      ofDevice: (...query) => {
        asked.push(query);
        return { items: [result], nextCursor: "7.3" };
      },
    });
    const server = await startServer({}, { overview });
    const ids = ["pump-1", "a/b?c#d%", "é".repeat(256), "🚰".repeat(128), " "];
    for (const id of ids) {
      const answer = await server.call(
        `/api/v1/devices/${encodeURIComponent(id)}/results?limit=10&cursor=9.1`,
      );
      expect([id, answer.json()]).toEqual([id, { items: [result], nextCursor: "7.3" }]);
    }
    expect(asked).toEqual(ids.map((id) => [id, "9.1", 10]));
  });

  it("refuses a cursor that is none, and repeats nothing of it", async () => {
    const server = await startServer({}, overviewOf({ ofDevice: () => null }));
    const { status, text } = await server.call("/api/v1/devices/pump-1/results?cursor=odd");
    expect(status).toBe(400);
    expect(text).toMatch(/cursor: expected one nextCursor/);
    expect(text).not.toMatch(/odd|pump-1/);
  });
});

describe("GET /api/v1/causes", () => {
  it("lists the causes as they are explained", async () => {
    const cause: CauseGuide = {
      ...{ code: "ALPN_MISSING", fault: "connection", severity: "error" },
      ...{ meaning: "m", nextStep: "n", docs: "docs/causes.md#alpn_missing", reading: null },
    };
    const server = await startServer({}, { causes: [cause] });
    expect((await server.call("/api/v1/causes")).json()).toEqual({ items: [cause] });
  });
});

describe("the guide to the causes", () => {
  it("explains every cause, and names a place that is in the documentation", () => {
    expect(CAUSE_GUIDE.map(({ code }) => code)).toEqual(Object.values(CAUSE_CODES).flat());
    const text = readFileSync(join(import.meta.dirname, "../../docs/causes.md"), "utf8");
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map(([, words = ""]) => words.toLowerCase());
    for (const { code, docs, meaning, nextStep, reading } of CAUSE_GUIDE) {
      expect(headings, code).toContain(docs.replace("docs/causes.md#", ""));
      expect([meaning, nextStep].join()).toMatch(/\w.*,\w/s);
      if (reading !== null) expect(reading).toMatch(/^https:\/\/docs\.aws\.amazon\.com\/\w/);
    }
  });

  it("calls critical what lets somebody in, and a notice what never makes a check fail", () => {
    const severity = Object.fromEntries(CAUSE_GUIDE.map((each) => [each.code, each.severity]));
    expect(severity).toMatchObject({
      UNEXPECTED_ACCEPT: "critical",
      POLICY_TOO_OPEN: "critical",
      ALPN_MISSING: "error",
      API_THROTTLED: "notice",
      CLIENT_ID_IN_USE: "notice",
      TESTER_ERROR: "notice",
    });
  });
});
