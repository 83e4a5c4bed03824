import { once } from "node:events";
import { request as plainRequest } from "node:http";
import { describe, expect, it, vi } from "vitest";
import { preferred } from "../../src/http/accept.ts";
import type { ProbeAnswer, ProbePort, ProbeView } from "../../src/http/ports.ts";
import { startServer } from "./http-support.ts";

const CAUSE = { code: "POLICY_CONNECT_DENIED", evidence: "seen", nextStep: "do" } as const;

function view(changes: Partial<ProbeView> = {}): ProbeView {
  return {
    device: "pump-1",
    verdict: "fail",
    causes: [{ protocol: "mqtt", ...CAUSE }],
    text: () => "every step",
    report: { device: "pump-1", verdict: "fail", results: [] },
    metricsPage: async () => ({ contentType: "text/plain; version=0.0.4; charset=utf-8", body: "m 1\n" }),
    ...changes,
  };
}

function answering(answer: ProbeAnswer): ProbePort {
  return { probe: async () => answer };
}

/** Probes that end when the test says so, or when they are aborted. */
function held() {
  const asked: { device: string; signal: AbortSignal; finish: () => void }[] = [];
  const probes: ProbePort = {
    probe: (device, signal) =>
      new Promise((resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        asked.push({ device, signal, finish: () => resolve({ kind: "probed", probe: view({ device }) }) });
      }),
  };
  return { probes, asked, until: (count: number) => vi.waitUntil(() => asked.length >= count) };
}

describe("the answer", () => {
  it("is short, and JSON, unless more is asked for", async () => {
    const server = await startServer({}, { probes: answering({ kind: "probed", probe: view() }) });
    const answer = await server.call("/probe?device=pump-1");
    expect(answer.status).toBe(200);
    expect(answer.headers["content-type"]).toMatch(/^application\/json/);
    expect(answer.json()).toEqual({
      device: "pump-1",
      verdict: "fail",
      causes: [{ protocol: "mqtt", ...CAUSE }],
    });
  });

  it.each([
    ["debug=true", undefined, "text/plain; charset=utf-8", "every step\n"],
    ["debug=true", "text/html,*/*;q=0.8", "text/plain; charset=utf-8", "every step\n"],
    ["debug=true", "application/json", "application/json; charset=utf-8", JSON.stringify(view().report)],
    [
      "debug=true&format=json",
      "text/plain",
      "application/json; charset=utf-8",
      JSON.stringify(view().report),
    ],
    ["debug=true&format=text", "application/json", "text/plain; charset=utf-8", "every step\n"],
    ["debug=false", "text/plain", "text/plain; charset=utf-8", "fail POLICY_CONNECT_DENIED\n"],
    ["format=metrics", "application/json", "text/plain; version=0.0.4; charset=utf-8", "m 1\n"],
  ])("to %s with Accept %s is %s", async (query, accept, type, body) => {
    const server = await startServer({}, { probes: answering({ kind: "probed", probe: view() }) });
    const headers: Record<string, string> = accept === undefined ? {} : { accept };
    const answer = await server.call(`/probe?device=pump-1&${query}`, { headers });
    expect([answer.status, answer.headers["content-type"], answer.text]).toEqual([200, type, body]);
  });

  it("in a word for a pass", async () => {
    const passed = view({ verdict: "pass", causes: [] });
    const server = await startServer({}, { probes: answering({ kind: "probed", probe: passed }) });
    expect((await server.call("/probe?device=pump-1&format=text")).text).toBe("pass\n");
  });

  it("to an unknown device is a problem document that says why", async () => {
    const server = await startServer({}, { probes: answering({ kind: "unknown", reason: "not there" }) });
    const answer = await server.call("/probe?device=pump-1");
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json()).toMatchObject({ status: 404, detail: "not there" });
  });

  it.each([
    ["", "device: expected the id of one device"],
    ["device=", "device: expected an id"],
    ["device=a&device=b", "device: expected the id of one device"],
    [`device=${"x".repeat(257)}`, "device: expected at most 256 characters"],
    ["device=a&debug=yes", "debug: expected true or false"],
    ["device=a&format=xml", "format: expected one of json, text, metrics"],
    ["device=a&protocol=mqtt", "unknown key; expected only device, debug, format"],
  ])("to the query `%s` is 400: %s", async (query, detail) => {
    const probe = vi.fn<ProbePort["probe"]>();
    const server = await startServer({}, { probes: { probe } });
    const answer = await server.call(`/probe?${query}`);
    expect(answer.json()).toMatchObject({ status: 400, detail });
    expect(probe).not.toHaveBeenCalled();
  });

  it("to a fault of ours is 500 without a word of it", async () => {
    const probe = () => Promise.reject(new Error("planted-secret"));
    const server = await startServer({}, { probes: { probe } });
    const answer = await server.call("/probe?device=pump-1");
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("planted-secret");
  });

  it("while the daemon stops is 503, and nothing is probed", async () => {
    const probe = vi.fn<ProbePort["probe"]>();
    const ready = () => ({ ready: false, reason: "draining" });
    const server = await startServer({}, { probes: { probe }, ready });
    expect((await server.call("/probe?device=pump-1")).json()).toMatchObject({ status: 503 });
    expect(probe).not.toHaveBeenCalled();
  });
});

describe("probes at the same time", () => {
  it("are one for each device, and few: the next one is told to come again", async () => {
    const { probes, asked, until } = held();
    const server = await startServer({}, { probes, limits: { probes: 2 } });
    const first = server.call("/probe?device=a");
    await until(1);
    const again = await server.call("/probe?device=a");
    expect(again.json()).toMatchObject({ status: 429, detail: "this device is being probed already" });
    expect(again.headers["retry-after"]).toBe("5");

    const second = server.call("/probe?device=b");
    await until(2);
    const third = await server.call("/probe?device=c");
    expect(third.json()).toMatchObject({ status: 429, detail: "2 devices are being probed already" });

    for (const each of asked) each.finish();
    expect([(await first).status, (await second).status]).toEqual([200, 200]);
    const later = server.call("/probe?device=a");
    await until(3);
    asked[2]?.finish();
    expect((await later).status).toBe(200);
  });

  it("that take too long are given up", async () => {
    const { probes, asked } = held();
    const server = await startServer({}, { probes, limits: { probeMs: 20 } });
    const answer = await server.call("/probe?device=a");
    expect(answer.json()).toMatchObject({
      status: 503,
      detail: expect.stringContaining("did not end within 0.02 s"),
    });
    expect(answer.headers["retry-after"]).toBe("5");
    expect(asked[0]?.signal.aborted).toBe(true);
  });

  it("of a client that hangs up are given up, and make room", async () => {
    const { probes, asked, until } = held();
    const server = await startServer({}, { probes, limits: { probeMs: 600_000 } });
    const outgoing = plainRequest({ port: server.port, host: "127.0.0.1", path: "/probe?device=a" });
    outgoing.on("error", () => {}).end();
    await until(1);
    outgoing.destroy();
    const signal = asked[0]?.signal ?? AbortSignal.abort();
    if (!signal.aborted) await once(signal, "abort");
    await vi.waitUntil(async () => {
      const answer = server.call("/probe?device=a");
      const taken = await Promise.race([until(2).then(() => true), answer.then(() => false)]);
      asked[1]?.finish();
      return (await answer).status === 200 && taken;
    });
    expect(server.log()).not.toContain("request failed");
  });
});

describe("the type that is preferred", () => {
  const [text, json] = ["text/plain", "application/json"] as const;

  it.each([
    [undefined, text],
    ["*/*", text],
    ["application/json", json],
    ["application/*;q=0.5, text/plain;q=0.4", json],
    ["text/plain;q=0, */*", json],
    ["TEXT/PLAIN, application/json;q=0.9", text],
    ["image/png", text],
    ["application/json;q=nonsense, text/plain;q=0.1", text],
    ["", text],
    [";;,,q=1", text],
  ])("%s", (accept, expected) => {
    expect(preferred(accept, [text, json])).toBe(expected);
  });
});
