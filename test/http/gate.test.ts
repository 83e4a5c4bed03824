import { writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseGateRequest } from "../../src/http/gate-request.ts";
import type { GateReply } from "../../src/model/gate-answer.ts";
import { gateAnswerOf, RUN_ID, recordingGate, startServer, temporaryFolder } from "./http-support.ts";

const GATE = "/api/v1/gate/all";

function serve(...script: GateReply[]) {
  const recorded = recordingGate(...script);
  const notes: string[] = [];
  const audit = { note: (...words: string[]) => void notes.push(words.join(" | ")) };
  return { ...recorded, notes, server: startServer({}, { gate: recorded.gate, audit }) };
}

describe("the gate", () => {
  it.each([
    gateAnswerOf(),
    gateAnswerOf({ decision: "no-go" }),
    gateAnswerOf({ decision: "inconclusive" }),
    gateAnswerOf({ decision: "running", runId: null, counts: null, decidedAt: null, expiresAt: null }),
  ])("answers 200 whatever the decision: %o", async (answer) => {
    const server = await serve(answer).server;
    for (const method of ["GET", "POST"]) {
      const { status, json } = await server.call(GATE, { method });
      expect([status, json()]).toEqual([200, { data: answer }]);
    }
  });

  it("looks on GET, and asks on POST in the caller's name", async () => {
    const { server, asked, peeked } = serve();
    const running = await server;
    await running.call(GATE);
    expect([asked, peeked]).toEqual([[], ["all"]]);
    const json = { idempotencyKey: "deploy-42", onInconclusive: "pass", reason: " known outage " };
    await running.call(GATE, { method: "POST", json });
    await running.call(GATE, { method: "POST", headers: { "idempotency-key": "deploy-43" } });
    const override = { actor: "anonymous", reason: "known outage" };
    expect(asked).toEqual([
      { request: { suite: "all", idempotencyKey: "deploy-42", override }, actor: "anonymous" },
      { request: { suite: "all", idempotencyKey: "deploy-43", override: null }, actor: "anonymous" },
    ]);
  });

  it("asks in the name of the token", async () => {
    const tokenFile = join(temporaryFolder(), "token");
    writeFileSync(tokenFile, "s3cret");
    const { gate, asked } = recordingGate();
    const tokens = [{ name: "pipeline", tokenFile, scopes: ["trigger"] as const }];
    const server = await startServer({ tokens }, { gate });
    await server.call(GATE, { method: "POST", headers: { authorization: "Bearer s3cret" } });
    expect(asked.map(({ actor }) => actor)).toEqual(["pipeline"]);
  });

  it("says which run is in the way", async () => {
    const server = await serve({ kind: "busy", runId: RUN_ID, reason: "another selection" }).server;
    const answer = await server.call(GATE, { method: "POST" });
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json()).toMatchObject({ status: 409, detail: "another selection", runId: RUN_ID });
  });

  it("gives no decision while the daemon stops: its runs go on in the next process", async () => {
    const draining = await serve({ kind: "draining" }).server;
    expect((await draining.call(GATE, { method: "POST" })).status).toBe(503);
    const { gate, asked, peeked } = recordingGate();
    const stopping = await startServer({}, { gate, ready: () => ({ ready: false, reason: "draining" }) });
    for (const method of ["GET", "POST"]) {
      const { status, headers } = await stopping.call(GATE, { method });
      expect([status, Number(headers["retry-after"])]).toEqual([503, expect.any(Number)]);
    }
    expect([asked, peeked]).toEqual([[], []]);
  });

  it("notes who asked for a run once, however often it is polled", async () => {
    const { server, notes } = serve(gateAnswerOf({ decision: "running" }));
    const running = await server;
    for (let poll = 0; poll < 3; poll += 1) await running.call(GATE, { method: "POST" });
    expect(notes).toEqual([`anonymous | trigger | suite all by its gate, run ${RUN_ID}`]);
  });

  it("notes nobody where no run was asked for", async () => {
    const { server, notes } = serve(gateAnswerOf());
    await (await server).call(GATE, { method: "POST" });
    expect(notes).toEqual([]);
  });

  it.each([
    [404, "/api/v1/gate/other", undefined],
    [404, "/api/v1/gate/ALL", undefined],
    [404, "/api/v1/gate/..%2fall", undefined],
    [404, "/api/v1/gate/__proto__", undefined],
    [400, `${GATE}?wait=1`, undefined],
    [400, GATE, []],
    [400, GATE, { suite: "all" }],
    [400, GATE, { onInconclusive: "maybe" }],
    [400, GATE, { onInconclusive: "pass" }],
    [400, GATE, { onInconclusive: "pass", reason: " " }],
    [400, GATE, { onInconclusive: "pass", reason: "two\nlines" }],
    [400, GATE, { onInconclusive: "pass", reason: "x".repeat(501) }],
    [400, GATE, { idempotencyKey: "" }],
    [400, GATE, { idempotencyKey: "x".repeat(256) }],
  ])("refuses with %i: %s %j", async (status, path, json) => {
    const { server, asked } = serve();
    const answer = await (await server).call(path, { method: "POST", json });
    expect([answer.status, answer.headers["content-type"]]).toEqual([status, "application/problem+json"]);
    expect(asked).toEqual([]);
  });

  it("never passes an inconclusive decision without a reason, whatever the body is", () => {
    const key = fc.constantFrom("onInconclusive", "reason", "idempotencyKey", "__proto__", "other");
    const value = fc.oneof(fc.constantFrom("pass", "fail", "", " "), fc.string(), fc.jsonValue());
    fc.assert(
      fc.property(
        fc.oneof(fc.jsonValue(), fc.dictionary(key, value)),
        fc.option(fc.string()),
        (body, header) => {
          const parsed = parseGateRequest(body, header);
          if (parsed.kind === "invalid") return;
          const { passReason } = parsed.value;
          expect(passReason).not.toBe("");
          if (passReason !== null) expect(body).toMatchObject({ onInconclusive: "pass" });
        },
      ),
    );
  });
});
