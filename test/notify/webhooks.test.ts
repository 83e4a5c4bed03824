import { createHmac } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLog } from "../../src/lib/log.ts";
import type { DecisionChange, Outbox } from "../../src/model/notification.ts";
import { Webhooks } from "../../src/notify/webhooks.ts";
import { History } from "../../src/store/history.ts";
import { sampleSummary } from "../report/sample.ts";

interface Received {
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

let server: Server;
let folder: string;
let received: Received[];
/** Status codes to answer with, the last one from then on; 0: the connection is cut. */
let answers: number[];
let logged: PassThrough;
let log: ReturnType<typeof createLog>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "webhooks-"));
  writeFileSync(join(folder, "hook.key"), "a key\n");
  received = [];
  answers = [200];
  logged = new PassThrough();
  log = createLog("warn", logged);
  server = createServer(async (incoming, outgoing) => {
    received.push({ url: incoming.url ?? "", headers: incoming.headers, body: await text(incoming) });
    const status = (answers.length > 1 ? answers.shift() : answers[0]) ?? 200;
    if (status === 0) incoming.socket.destroy();
    else outgoing.writeHead(status, { location: "/elsewhere" }).end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
  rmSync(folder, { recursive: true });
});

function hook(path = "/hook?token=hush", on: DecisionChange["decision"][] = ["no-go", "inconclusive", "go"]) {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
  return { url, secretFile: join(folder, "hook.key"), on };
}

function change(changes: Partial<DecisionChange> = {}): DecisionChange {
  return {
    event: "decision",
    suite: "pre-rollout",
    decision: "no-go",
    previous: "go",
    reason: "valves: minPassRatio",
    runId: "r1",
    counts: sampleSummary.counts,
    decidedAt: "2026-11-23T00:00:00.000Z",
    expiresAt: "2026-11-23T00:15:00.000Z",
    ...changes,
  };
}

function webhooks(
  hooks = [hook()],
  backoffMs: readonly number[] = [1, 1],
  outbox: Outbox | null = null,
): Webhooks {
  return new Webhooks({ hooks, log, outbox, backoffMs });
}

function openHistory(): History {
  const opened = History.open(join(folder, "history.db"));
  if (opened.kind !== "open") throw new Error(opened.message);
  return opened.history;
}

async function delivered(count: number): Promise<void> {
  await vi.waitFor(() => expect(received).toHaveLength(count));
}

function said(): string {
  return logged.read()?.toString() ?? "";
}

describe("a webhook", () => {
  it("gets the decision, signed with its key over time and body", async () => {
    await using hooks = webhooks();
    hooks.notify(change());
    await delivered(1);
    const [{ headers, body, url } = { headers: {}, body: "", url: "" }] = received;
    expect(url).toBe("/hook?token=hush");
    expect(JSON.parse(body)).toEqual(change());
    const stamp = String(headers["x-fleet-smoke-timestamp"]);
    expect(Math.abs(Date.now() / 1000 - Number(stamp))).toBeLessThan(60);
    const expected = createHmac("sha256", "a key").update(`${stamp}.${body}`).digest("hex");
    expect(headers["x-fleet-smoke-signature"]).toBe(`sha256=${expected}`);
  });

  it("is left alone where the decision stays, or is none it asks for", async () => {
    await using hooks = webhooks([hook("/a", ["no-go"]), hook("/b", ["go"])]);
    hooks.notify(change({ previous: "no-go" }));
    hooks.notify(change({ decision: "inconclusive" }));
    hooks.notify(change({ decision: "go", previous: null }));
    await delivered(1);
    expect(received.map(({ url }) => url)).toEqual(["/b"]);
  });

  it.each([500, 503, 429, 408, 0])(
    "that answers %d is tried again, with the same delivery id",
    async (status) => {
      answers = [status, status, 204];
      await using hooks = webhooks();
      hooks.notify(change());
      await delivered(3);
      await hooks.drain(5_000);
      expect(new Set(received.map(({ headers }) => headers["x-fleet-smoke-delivery"])).size).toBe(1);
      expect(said()).not.toContain('"level":50');
    },
  );

  it.each([301, 400, 401, 404, 410])(
    "that answers %d is not tried again, and no redirect is followed",
    async (status) => {
      answers = [status];
      await using hooks = webhooks();
      hooks.notify(change());
      await delivered(1);
      await hooks.drain(5_000);
      expect(received).toHaveLength(1);
      const text = said();
      expect(text).toContain("webhook not delivered");
      expect(text).toContain(`HTTP ${status}`);
      expect(text).not.toContain("hush");
    },
  );

  it("that never takes it is given up, and the next delivery still goes out, in order", async () => {
    answers = [500, 500, 500, 200];
    await using hooks = webhooks();
    hooks.notify(change({ runId: "r1" }));
    hooks.notify(change({ runId: "r2" }));
    await delivered(4);
    expect(received.map(({ body }) => JSON.parse(body).runId)).toEqual(["r1", "r1", "r1", "r2"]);
    expect(said()).toContain("tried often enough");
  });

  it("whose key is lost is tried again with the key that is there then", async () => {
    rmSync(join(folder, "hook.key"));
    await using hooks = webhooks([hook()], Array(200).fill(5));
    hooks.notify(change());
    await vi.waitFor(() => expect(said()).toContain("secretFile"));
    writeFileSync(join(folder, "hook.key"), "next key");
    await delivered(1);
    const [{ headers, body } = { headers: {} as IncomingHttpHeaders, body: "" }] = received;
    const expected = createHmac("sha256", "next key")
      .update(`${headers["x-fleet-smoke-timestamp"]}.${body}`)
      .digest("hex");
    expect(headers["x-fleet-smoke-signature"]).toBe(`sha256=${expected}`);
  });

  it("that is down does not hold up another one, nor the end of the daemon", async () => {
    const dead = { ...hook(), url: "http://127.0.0.1:1/hook" };
    const hooks = webhooks([dead, hook("/alive")], [60_000]);
    hooks.notify(change());
    await delivered(1);
    await hooks[Symbol.asyncDispose]();
    expect(said()).toContain("stopped");
  });
});

describe("a delivery that the process did not live to make", () => {
  it("is made by the next one under the same id, before what comes later, and then never again", async () => {
    answers = [503];
    {
      using history = openHistory();
      await using hooks = webhooks([hook()], [60_000], history.outbox);
      hooks.notify(change({ runId: "r1" }));
      hooks.notify(change({ runId: "r2" }));
      await delivered(1);
    }
    expect(said()).toContain("the next start tries again");
    answers = [200];
    {
      using history = openHistory();
      await using hooks = webhooks([hook()], [], history.outbox);
      hooks.resume();
      hooks.notify(change({ runId: "r3" }));
      await delivered(4);
      await hooks.drain(5_000);
      expect(history.outbox.pending()).toEqual([]);
    }
    expect(received.map(({ body }) => JSON.parse(body).runId)).toEqual(["r1", "r1", "r2", "r3"]);
    const ids = received.map(({ headers }) => headers["x-fleet-smoke-delivery"]);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
  });

  it("is not made where it was refused for good, tried often enough, or its hook is gone", async () => {
    answers = [400, 500, 500];
    using history = openHistory();
    {
      await using hooks = webhooks([hook()], [1], history.outbox);
      hooks.notify(change({ runId: "refused" }));
      hooks.notify(change({ runId: "in vain" }));
      await delivered(3);
      await hooks.drain(5_000);
      expect(history.outbox.pending()).toEqual([]);
    }
    history.outbox.add("a hook of an earlier configuration", { id: "1", suite: "all", body: "{}" });
    await using hooks = webhooks([hook()], [], history.outbox);
    hooks.resume();
    await hooks.drain(5_000);
    expect(received).toHaveLength(3);
    expect(history.outbox.pending()).toEqual([]);
    expect(said()).toContain("no such hook any more");
  });

  it("does not hold its token on disk, nor go unmade where the history cannot take it", async () => {
    const history = openHistory();
    await using hooks = webhooks([hook()], [60_000], history.outbox);
    answers = [503];
    hooks.notify(change());
    await delivered(1);
    expect(JSON.stringify(history.outbox.pending())).not.toContain("hush");
    history[Symbol.dispose]();
    answers = [200];
    await using others = webhooks([hook("/other")], [], history.outbox);
    others.notify(change());
    await delivered(2);
    expect(said()).toContain("the history cannot take a webhook delivery");
  });
});
