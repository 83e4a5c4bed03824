import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { flaggerToken, parseFlaggerRequest } from "../../src/http/gate-request.ts";
import type { GatePort } from "../../src/http/ports.ts";
import type { GateAnswer, GateReply } from "../../src/model/gate-answer.ts";
import { gateAnswerOf, RUN_ID, recordingGate, startServer, temporaryFolder } from "./http-support.ts";

const FLAGGER = "/api/v1/gate/all/flagger";
const ROLLBACK = `${FLAGGER}/rollback`;

const BODY = { name: "podinfo", namespace: "test", phase: "Progressing", checksum: "85d557f47b" };
const RUNNING = gateAnswerOf({ decision: "running", reason: "3 of 9 checks" });
const INCONCLUSIVE = gateAnswerOf({ decision: "inconclusive", reason: "expired" });

const limits = { flaggerWaitMs: 600 };

async function call(path: string, gate: GatePort, json: object = BODY) {
  const server = await startServer({}, { gate, limits });
  const { status, headers, text } = await server.call(path, { method: "POST", json });
  return { status, type: headers["content-type"], text };
}

describe("what Flagger is told", () => {
  it("is 200 on a go", async () => {
    const { gate, asked } = recordingGate(gateAnswerOf());
    expect(await call(FLAGGER, gate)).toMatchObject({
      status: 200,
      text: `go: every rule is met (run ${RUN_ID})\n`,
    });
    expect(asked).toEqual([]);
  });

  it.each([
    ["no-go", gateAnswerOf({ decision: "no-go", reason: "valves: minPassRatio" })],
    ["inconclusive", INCONCLUSIVE],
    ["running", RUNNING],
    ["a go that does not hold", gateAnswerOf({ ok: false })],
    ["an override, which it cannot have asked for", gateAnswerOf({ decision: "inconclusive", ok: true })],
  ])("is 412 and one line of text on %s", async (_what, answer) => {
    const { status, type, text } = await call(FLAGGER, recordingGate(answer).gate);
    expect({ status, type }).toEqual({ status: 412, type: "text/plain; charset=utf-8" });
    expect(text).toMatch(/^[^\n]{1,300}\n$/);
    expect(text).toContain(answer.reason);
  });

  it("is never a yes unless the decision is a go that holds, whatever else there is", async () => {
    const kinds = fc.constantFrom<GateReply["kind" & never] | "busy" | "draining">("busy", "draining");
    const answers = fc.record({
      decision: fc.constantFrom<GateAnswer["decision"]>("go", "no-go", "inconclusive", "running"),
      ok: fc.boolean(),
      reason: fc.string(),
      runId: fc.option(fc.constant(RUN_ID)),
    });
    let now: GateAnswer = gateAnswerOf();
    let reply: GateReply = now;
    const gate: GatePort = { peek: async () => now, glance: async () => now, ask: async () => reply };
    const server = await startServer({}, { gate, limits: { flaggerWaitMs: 0 } });
    await fc.assert(
      fc.asyncProperty(answers, fc.option(kinds), async (changes, kind) => {
        now = gateAnswerOf(changes);
        reply = kind === null ? now : kind === "busy" ? { kind, runId: RUN_ID, reason: "busy" } : { kind };
        const yes = await server.call(FLAGGER, { method: "POST", json: BODY });
        expect(yes.status).toBe(changes.decision === "go" && changes.ok ? 200 : 412);
        const back = await server.call(ROLLBACK, { method: "POST", json: BODY });
        expect(back.status).toBe(changes.decision === "no-go" ? 200 : 412);
        for (const { text } of [yes, back]) expect(text).toMatch(/^[^\n]+\n$/);
      }),
      { numRuns: 50 },
    );
  });

  it("is a go of AWS only where it says so", async () => {
    const emulated = gateAnswerOf({ realm: "emulator" });
    const metadata = { requireRealm: "aws" };
    expect((await call(FLAGGER, recordingGate(emulated).gate)).status).toBe(200);
    const refused = await call(FLAGGER, recordingGate(emulated).gate, { ...BODY, metadata });
    expect(refused).toMatchObject({ status: 412, text: expect.stringMatching(/emulator, not AWS/) });
    expect((await call(FLAGGER, recordingGate(gateAnswerOf()).gate, { ...BODY, metadata })).status).toBe(200);
  });
});

describe("a call", () => {
  it("triggers a run where no decision holds, and waits for it", async () => {
    const { gate, asked, peeked } = recordingGate(INCONCLUSIVE, RUNNING, RUNNING, gateAnswerOf());
    expect((await call(FLAGGER, gate)).status).toBe(200);
    expect(asked.map(({ request }) => request)).toEqual([
      { suite: "all", idempotencyKey: expect.stringMatching(/^flagger-[0-9a-f]{64}$/), override: null },
    ]);
    expect(peeked.length).toBe(3);
  });

  it("asks again without its key where the key's run came to nothing", async () => {
    const { gate, asked } = recordingGate(
      INCONCLUSIVE,
      INCONCLUSIVE,
      RUNNING,
      gateAnswerOf({ decision: "no-go" }),
    );
    expect((await call(FLAGGER, gate)).status).toBe(412);
    expect(asked.map(({ request }) => request.idempotencyKey)).toEqual([expect.any(String), null]);
  });

  it("joins a run that is under way without asking for one", async () => {
    const { gate, asked } = recordingGate(RUNNING, RUNNING, gateAnswerOf());
    expect((await call(FLAGGER, gate)).status).toBe(200);
    expect(asked).toEqual([]);
  });

  it("ends before Flagger gives up, and says how far the run is", async () => {
    const { status, text } = await call(FLAGGER, recordingGate(RUNNING).gate);
    expect([status, text]).toEqual([412, `running: 3 of 9 checks (run ${RUN_ID})\n`]);
  });

  it("is not kept waiting where enough others are", async () => {
    const { gate, peeked } = recordingGate(RUNNING);
    const server = await startServer({}, { gate, limits: { flaggerWaitMs: 600_000, flaggerWaits: 0 } });
    expect((await server.call(FLAGGER, { method: "POST", json: BODY })).status).toBe(412);
    expect(peeked.length).toBe(2);
  });

  it("is not waited for where the caller has gone, or the server closes", async () => {
    const { gate, peeked } = recordingGate(RUNNING);
    const server = await startServer({}, { gate, limits: { flaggerWaitMs: 600_000, closeMs: 600_000 } });
    const left = connect({ port: server.port, host: "127.0.0.1" });
    onTestFinished(() => void left.destroy());
    const body = JSON.stringify(BODY);
    const head = `POST ${FLAGGER} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n`;
    left.write(`${head}Content-Length: ${body.length}\r\n\r\n${body}`);
    await vi.waitUntil(() => peeked.length >= 2);
    left.destroy();
    const kept = server.call(FLAGGER, { method: "POST", json: BODY });
    await vi.waitUntil(() => peeked.length >= 5);
    const [{ status }] = await Promise.all([kept, server.close()]);
    expect(status).toBe(412);
  });

  it.each([FLAGGER, ROLLBACK])("about another suite, or not understood, is no yes: %s", async (path) => {
    const { gate, asked } = recordingGate();
    expect(await call(path.replace("all", "other"), gate)).toMatchObject({
      status: 404,
      text: "no such suite\n",
    });
    for (const changes of [
      { name: "" },
      { namespace: 1 },
      { metadata: { token: 1 } },
      { metadata: { requireRealm: "x" } },
    ]) {
      const { status, type } = await call(path, gate, { ...BODY, ...changes });
      expect([status, type]).toEqual([400, "text/plain; charset=utf-8"]);
    }
    expect((await call(path, gate, { ...BODY, metadata: { x: "y".repeat(70_000) } })).status).toBe(413);
    expect(asked).toEqual([]);
  });

  it("while the daemon stops is 412: any other refusal would be shown without its reason", async () => {
    const server = await startServer({}, { ready: () => ({ ready: false, reason: "draining" }) });
    for (const path of [FLAGGER, ROLLBACK]) {
      const { status, text } = await server.call(path, { method: "POST", json: BODY });
      expect([status, text]).toEqual([412, "the daemon is stopping\n"]);
    }
  });

  it("may say more than we know of", async () => {
    const json = { ...BODY, buildId: "7", canaryWeight: 10, metadata: { a: "b" } };
    expect((await call(FLAGGER, recordingGate().gate, json)).status).toBe(200);
    const { name, namespace } = BODY;
    expect((await call(FLAGGER, recordingGate().gate, { name, namespace })).status).toBe(200);
  });
});

describe("its token", () => {
  async function withTokens() {
    const folder = temporaryFolder();
    const tokens = (["read", "trigger"] as const).map((scope) => {
      writeFileSync(join(folder, scope), `${scope}-token`);
      return { name: scope, tokenFile: join(folder, scope), scopes: [scope] };
    });
    const { gate, asked } = recordingGate(INCONCLUSIVE, RUNNING, gateAnswerOf());
    const server = await startServer({ tokens }, { gate });
    const status = async (token: string | undefined, bearer?: string) => {
      const metadata = token === undefined ? {} : { token };
      const headers: Record<string, string> =
        bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
      const json = { ...BODY, metadata };
      const answer = await server.call(FLAGGER, { method: "POST", json, headers });
      return { status: answer.status, text: answer.text };
    };
    return { status, asked, server };
  }

  it("is in the metadata, or a bearer token", async () => {
    const { status, asked } = await withTokens();
    expect((await status("trigger-token")).status).toBe(200);
    expect(asked.map(({ actor }) => actor)).toEqual(["trigger"]);
    expect((await status(undefined, "trigger-token")).status).toBe(200);
  });

  it("is refused in one line of text where it is missing, wrong, or may only read", async () => {
    const { status, asked, server } = await withTokens();
    expect(await status(undefined)).toEqual({ status: 401, text: "a token is needed\n" });
    expect(await status("guessed")).toEqual({ status: 401, text: "the token is not valid\n" });
    expect(await status("")).toEqual({ status: 401, text: "the token is not valid\n" });
    expect((await status("read-token")).status).toBe(403);
    // What is sent as a header counts, whatever else there is.
    expect((await status("trigger-token", "guessed")).status).toBe(401);
    expect(asked).toEqual([]);
    expect(server.log()).not.toMatch(/guessed|trigger-token/);
  });

  it("is not looked for on a route that has no such body", async () => {
    const { server } = await withTokens();
    const json = { ...BODY, metadata: { token: "trigger-token" } };
    for (const path of ["/api/v1/gate/all", "/api/v1/runs"]) {
      expect((await server.call(path, { method: "POST", json })).status).toBe(401);
    }
  });
});

describe("the key of a canary", () => {
  it("differs wherever suite, namespace, name or checksum do", () => {
    const word = fc.string({ minLength: 1, maxLength: 20 });
    const parts = fc.record({ suite: word, namespace: word, name: word, checksum: word });
    const keyOf = ({ suite, ...body }: { suite: string }) => {
      const parsed = parseFlaggerRequest(body, suite);
      if (parsed.kind === "invalid") throw new Error(parsed.detail);
      expect(parsed.value.key).toMatch(/^[\x20-\x7e]{1,255}$/);
      return parsed.value.key;
    };
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(keyOf(a) === keyOf(b)).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
    );
  });

  it("is not found in anything that Flagger would not send", () => {
    fc.assert(
      fc.property(fc.jsonValue(), (body) => {
        const token = flaggerToken(body);
        if (token !== null) expect(body).toMatchObject({ metadata: { token } });
      }),
    );
  });
});

it("a body that does not come is cut, as everywhere", async () => {
  const limitsOfTime = { headersTimeoutMs: 60, requestTimeoutMs: 60, timeoutCheckMs: 10 };
  const { gate, peeked } = recordingGate();
  const server = await startServer({}, { gate, limits: limitsOfTime });
  const slow = connect({ port: server.port, host: "127.0.0.1" });
  onTestFinished(() => void slow.destroy());
  slow.on("error", () => {}).resume();
  slow.write(
    `POST ${FLAGGER} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{`,
  );
  await once(slow, "close");
  expect(peeked).toEqual([]);
});
