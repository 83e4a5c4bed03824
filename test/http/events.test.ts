import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import type { HttpLimits } from "../../src/http/limits.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { RUN_ID, recordingRuns, startServer, summary } from "./http-support.ts";

const EVENTS = `/api/v1/runs/${RUN_ID}/events`;
const LONG_MS = 600_000;

const limits: Partial<HttpLimits> = { progressMs: 10, heartbeatMs: LONG_MS, closeMs: LONG_MS };

/** A run that the test moves on. */
async function serve(changes: Partial<HttpLimits> = {}) {
  let now: RunSummary = summary();
  let looks = 0;
  const { runs } = recordingRuns({
    get: (runId) => {
      looks += 1;
      return runId === RUN_ID ? now : null;
    },
  });
  const server = await startServer({}, { runs, limits: { ...limits, ...changes } });
  return {
    server,
    looks: () => looks,
    set: (change: Partial<RunSummary>) => {
      now = { ...now, ...change };
    },
    pass: (pass: number) => {
      now = { ...now, counts: { ...now.counts, pass } };
    },
  };
}

/** A client that reads as it comes. */
function listen(port: number): { socket: Socket; text: () => string } {
  const socket = connect({ port, host: "127.0.0.1" });
  onTestFinished(() => void socket.destroy());
  let text = "";
  socket.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  socket.on("error", () => {});
  socket.write(`GET ${EVENTS} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  return { socket, text: () => text };
}

function passed(text: string): number[] {
  return [...text.matchAll(/^event: progress\ndata: (.*)$/gm)].map(([, data = ""]) => {
    return (JSON.parse(data) as RunSummary).counts.pass;
  });
}

describe("the events of a run", () => {
  it("are its counts whenever they change, and its end", async () => {
    const { server, set, pass } = await serve();
    const { text } = listen(server.port);
    await vi.waitUntil(() => passed(text()).length === 1);
    pass(3);
    await vi.waitUntil(() => passed(text()).length === 2);
    expect(passed(text())).toEqual([2, 3]);
    expect(text()).not.toContain("event: end");
    set({ status: "finished", decision: "no-go", reason: "valves" });
    await vi.waitUntil(() => text().includes("event: end"));
    const [, data = ""] = /^event: end\ndata: (.*)$/m.exec(text()) ?? [];
    expect(JSON.parse(data)).toEqual({
      runId: RUN_ID,
      status: "finished",
      decision: "no-go",
      reason: "valves",
      counts: { ...summary().counts, pass: 3 },
    });
    expect(text()).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    expect(text()).toMatch(/^content-type: text\/event-stream; charset=utf-8\r$/m);
  });

  it("come no oftener than they may", async () => {
    const { server, looks, pass, set } = await serve({ progressMs: LONG_MS });
    const { text } = listen(server.port);
    await vi.waitUntil(() => passed(text()).length === 1);
    const before = looks();
    pass(3);
    set({ status: "finished" });
    await server.call("/-/healthy");
    expect(looks()).toBe(before);
    expect(passed(text())).toEqual([2]);
  });

  it.each(["finished", "cancelled"] as const)("of one that is %s are its end only", async (status) => {
    const { server, set } = await serve();
    set({ status, decision: status === "finished" ? "go" : null });
    const answer = await server.call(EVENTS);
    expect(answer.text).toMatch(/^retry: \d+\n\nevent: end\ndata: \{.*\}\n\n$/);
  });

  it("go on with a sign of life where nothing happens", async () => {
    const { server } = await serve({ heartbeatMs: 20 });
    const { text } = listen(server.port);
    await vi.waitUntil(() => (text().match(/^: still running$/gm)?.length ?? 0) >= 2);
    expect(passed(text())).toEqual([2]);
  });

  it("do not end where the run was interrupted: the next process goes on with it", async () => {
    const { server, set, looks } = await serve();
    set({ status: "interrupted", decision: "inconclusive" });
    const { text } = listen(server.port);
    await vi.waitUntil(() => looks() > 4);
    expect(text()).not.toContain("event: end");
    await server.close();
    expect(text()).not.toContain("event: end");
  });

  it("are looked for no more once the client has gone", async () => {
    const { server, looks } = await serve({ streams: 1 });
    const first = listen(server.port);
    await vi.waitUntil(() => passed(first.text()).length === 1);
    expect((await server.call(EVENTS)).status).toBe(429);
    first.socket.destroy();
    // Its place is free again, which is the sign that its stream has ended.
    const second = listen(server.port);
    await vi.waitUntil(async () => {
      if (second.text().includes("429"))
        second.socket.write(`GET ${EVENTS} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
      return passed(second.text()).length > 0;
    });
    second.socket.destroy();
    await vi.waitUntil(async () => {
      const before = looks();
      for (let call = 0; call < 5; call += 1) await server.call("/-/healthy");
      return looks() === before;
    });
  });

  it("end at once when the server closes", async () => {
    const { server } = await serve({ progressMs: LONG_MS });
    const { socket, text } = listen(server.port);
    await vi.waitUntil(() => passed(text()).length === 1);
    await Promise.all([server.close(), once(socket, "close")]);
    expect(text()).not.toContain("event: end");
  });

  it("do not pile up for a client that does not read", async () => {
    const { server, pass, looks } = await serve({ progressMs: 1, silenceMs: 300 });
    const socket = connect({ port: server.port, host: "127.0.0.1" });
    onTestFinished(() => void socket.destroy());
    socket.on("error", () => {}).pause();
    socket.write(`GET ${EVENTS} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
    let number = 0;
    const timer = setInterval(() => {
      number += 1;
      pass(number);
    }, 1);
    onTestFinished(() => clearInterval(timer));
    await vi.waitUntil(() => looks() > 100, { timeout: 10_000 });
    expect((await server.call("/-/healthy")).status).toBe(200);
  });

  it("are refused where there is no such run, or a parameter", async () => {
    const { server } = await serve();
    expect((await server.call("/api/v1/runs/other/events")).status).toBe(404);
    expect((await server.call(`${EVENTS}?since=1`)).status).toBe(400);
    expect((await server.call(EVENTS, { method: "HEAD" })).status).toBe(405);
  });
});
