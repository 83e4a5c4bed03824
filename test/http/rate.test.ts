import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { clientOf, RateLimit } from "../../src/http/rate.ts";
import type { HttpToken, Scope } from "../../src/model/config.ts";
import { RUN_ID, recordingGate, recordingRuns, startServer, temporaryFolder } from "./http-support.ts";

/** As good as no refill while a test lasts. */
const NEVER = 1e-6;

function writeTokens(...scopes: Scope[]): HttpToken[] {
  const folder = temporaryFolder();
  return scopes.map((scope, index) => {
    const tokenFile = join(folder, String(index));
    writeFileSync(tokenFile, `token-${index}`);
    return { name: `t${index}`, tokenFile, scopes: [scope] };
  });
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("requests that trigger", () => {
  it("are refused beyond the limit, with the time to wait, each token by itself", async () => {
    const { runs, triggered } = recordingRuns();
    const limits = { triggers: { burst: 3, perSecond: NEVER } };
    const server = await startServer({ tokens: writeTokens("trigger", "trigger") }, { runs, limits });
    const post = (token: string) => server.call("/api/v1/runs", { method: "POST", headers: bearer(token) });
    for (let call = 0; call < 3; call += 1) expect((await post("token-0")).status).toBe(202);
    const refused = await post("token-0");
    expect([refused.status, refused.headers["content-type"]]).toEqual([429, "application/problem+json"]);
    expect(Number(refused.headers["retry-after"])).toBeGreaterThan(0);
    expect(triggered.length).toBe(3);
    expect((await post("token-1")).status).toBe(202);
    // What only reads goes on.
    expect((await server.call(`/api/v1/runs/${RUN_ID}`, { headers: bearer("token-0") })).status).toBe(200);
  });

  it("are limited by address where no token is needed", async () => {
    const limits = { triggers: { burst: 1, perSecond: NEVER } };
    const server = await startServer({}, { limits });
    const statuses = [];
    for (const path of ["/api/v1/runs", "/api/v1/gate/all", "/api/v1/gate/all/flagger"]) {
      statuses.push((await server.call(path, { method: "POST", json: {} })).status);
    }
    expect(statuses).toEqual([202, 429, 429]);
    expect((await server.call("/api/v1/gate/all")).status).toBe(200);
  });

  it("do not hinder whoever polls the gate every second, with the limits as they are", async () => {
    const { gate } = recordingGate();
    const server = await startServer({}, { gate });
    // Sixty seconds of polling at once: far more than a minute's worth for any one consumer.
    for (let poll = 0; poll < 60; poll += 1) {
      expect((await server.call("/api/v1/gate/all", { method: "POST" })).status).toBe(200);
    }
  });
});

describe("refused tokens", () => {
  it("are answered 429 beyond the limit, while a valid token of the same address is let in", async () => {
    const notes: string[] = [];
    const audit = { note: (...words: string[]) => void notes.push(words.join(" ")) };
    const limits = { failedTokens: { burst: 5, perSecond: NEVER } };
    const server = await startServer({ tokens: writeTokens("read") }, { limits, audit });
    const statuses = [];
    for (let guess = 0; guess < 40; guess += 1) {
      const { status, headers } = await server.call("/api/v1/runs", { headers: bearer(`guess-${guess}`) });
      statuses.push(status);
      if (status === 429) expect(Number(headers["retry-after"])).toBeGreaterThan(0);
    }
    expect(statuses).toEqual([...Array(5).fill(401), ...Array(35).fill(429)]);
    expect((await server.call("/api/v1/runs", { headers: bearer("token-0") })).status).toBe(200);
    expect((await server.call("/api/v1/runs")).status).toBe(429);
    // The audit log is bounded too.
    expect(notes.length).toBeLessThanOrEqual(20);
    expect(notes[0]).toMatch(/^anonymous refused GET \/api\/v1\/runs from 127\.0\.0\.1: 401$/);
  });

  it("do not disturb a call that is under way", async () => {
    const { gate, peeked } = recordingGate(
      ...Array(3).fill({ ...recordingAnswer, decision: "running", ok: false }),
      recordingAnswer,
    );
    const server = await startServer({ tokens: writeTokens("trigger") }, { gate });
    const json = { name: "a", namespace: "b", metadata: { token: "token-0" } };
    const waiting = server.call("/api/v1/gate/all/flagger", { method: "POST", json });
    await vi.waitUntil(() => peeked.length > 0);
    for (let guess = 0; guess < 50; guess += 1) {
      await server.call("/api/v1/runs", { method: "POST", headers: bearer("guess") });
      await server.call("/api/v1/runs", { method: "POST", body: "x".repeat(100_000) });
    }
    expect((await waiting).status).toBe(200);
  });
});

const recordingAnswer = {
  suite: "all",
  decision: "go",
  ok: true,
  runId: RUN_ID,
  reason: "every rule is met",
  nothingSelected: false,
  realm: "aws",
  decidedAt: null,
  expiresAt: null,
  counts: null,
  causes: [],
  override: null,
} as const;

describe("the limit", () => {
  it("lets through the burst and the refill, and no more", () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    try {
      const limit = new RateLimit({ burst: 5, perSecond: 2 });
      const taken = () => Array.from({ length: 20 }, () => limit.take("a")).filter((each) => each === null);
      expect(taken().length).toBe(5);
      vi.advanceTimersByTime(1000);
      expect(taken().length).toBe(2);
      expect(limit.take("b")).toBe(null);
      vi.advanceTimersByTime(60_000);
      expect(taken().length).toBe(5);
      expect(limit.take("a")).toBe(1);
    } finally {
      vi.useRealTimers();
    }
  });

  it("forgets rather than grow without end", () => {
    const limit = new RateLimit({ burst: 1, perSecond: NEVER });
    for (let key = 0; key < 20_000; key += 1) expect(limit.take(String(key))).toBe(null);
    expect(limit.take("19999")).not.toBe(null);
    expect(limit.take("0")).toBe(null);
  });

  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["fe80::1%eth0", "fe80:0:0:0"],
    [undefined, ""],
  ])("takes %s for the client %s", (address, client) => {
    expect(clientOf(address)).toBe(client);
  });

  it("takes all addresses of an IPv6 network for one client", () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((each) => each.toString(16));
    fc.assert(
      fc.property(fc.array(group, { minLength: 4, maxLength: 4 }), (host) => {
        expect(clientOf(`2001:db8:a:b:${host.join(":")}`)).toBe("2001:db8:a:b");
      }),
    );
  });
});
