import { describe, expect, it } from "vitest";
import type { ResultsPort } from "../../src/http/ports.ts";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultsQuery } from "../../src/model/history.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { NO_FILTER, resultOf } from "../support/results.ts";
import { RUN_ID, recordingRuns, startServer, summary } from "./http-support.ts";

const RESULTS = `/api/v1/runs/${RUN_ID}/results`;

function records(number: number): ResultRecord[] {
  return Array.from({ length: number }, (_, seq) => ({ ...toRecord(resultOf()), seq }));
}

function recording(kept: readonly ResultRecord[] | null) {
  const asked: ResultsQuery[] = [];
  const results: ResultsPort = {
    results: (_runId, query) => {
      asked.push(query);
      const after = query.afterSeq ?? -1;
      return kept?.filter(({ seq }) => seq > after).slice(0, query.limit) ?? null;
    },
  };
  return { results, asked };
}

describe("GET /api/v1/runs/{id}/results", () => {
  it("walks through all results a page at a time", async () => {
    const kept = records(5);
    const server = await startServer({}, recording(kept));
    const found: ResultRecord[] = [];
    let query = "?limit=2";
    for (let page = 0; page < 3; page += 1) {
      const { items, nextCursor } = (await server.call(RESULTS + query)).json() as {
        items: ResultRecord[];
        nextCursor: string | null;
      };
      found.push(...items);
      query = `?limit=2&cursor=${nextCursor}`;
      expect(nextCursor === null).toBe(page === 2);
    }
    expect(found).toEqual(kept);
  });

  it("says that there is no other page where the last one is full", async () => {
    const server = await startServer({}, recording(records(2)));
    expect((await server.call(`${RESULTS}?limit=2`)).json()).toMatchObject({ nextCursor: null });
  });

  it("passes on what is looked for", async () => {
    const { results, asked } = recording([]);
    const server = await startServer({}, { results });
    await server.call(`${RESULTS}?verdict=fail&cause=POLICY_CONNECT_DENIED&cursor=41&limit=10`);
    await server.call(RESULTS);
    expect(asked).toEqual([
      { ...NO_FILTER, verdict: "fail", cause: "POLICY_CONNECT_DENIED", afterSeq: 41, limit: 11 },
      { ...NO_FILTER, afterSeq: null, limit: 51 },
    ]);
  });

  it("passes on which cell of the agreement matrix is looked at, and whose", async () => {
    const { results, asked } = recording([]);
    const server = await startServer({}, { results });
    await server.call(
      `${RESULTS}?authorizer=allowed&gateway=refused&cohort=pumps%20a&protocol=wss&device=pump%2F1&derived=false`,
    );
    expect(asked).toEqual([
      {
        ...{ ...NO_FILTER, authorizer: "allowed", gateway: "refused", cohort: "pumps a", protocol: "wss" },
        ...{ device: "pump/1", derived: false, afterSeq: null, limit: 51 },
      },
    ]);
  });

  it.each([
    "verdict=failed",
    "verdict=",
    "verdict=pass&verdict=fail",
    "cause=NO_SUCH_CAUSE",
    "cause=policy_connect_denied",
    "cursor=-1",
    "cursor=abc",
    "cursor=1e3",
    "cursor=",
    "limit=0",
    "limit=201",
    "device=",
    "devices=pump-1",
    "authorizer=yes",
    "gateway=closed",
    "protocol=mqtts",
    "derived=1",
  ])("refuses ?%s", async (query) => {
    const { results, asked } = recording([]);
    const server = await startServer({}, { results });
    const { status, text } = await server.call(`${RESULTS}?${query}`);
    expect(status).toBe(400);
    expect(text).not.toMatch(/NO_SUCH_CAUSE|pump-1/);
    expect(asked).toEqual([]);
  });

  it("tells a run that is not known from one whose results are not kept", async () => {
    const server = await startServer({}, recording(null));
    const detail = async (path: string) => {
      const answer = await server.call(path);
      expect(answer.status).toBe(404);
      return (answer.json() as { detail: string }).detail;
    };
    expect(await detail(RESULTS)).toMatch(/nothing is kept/);
    expect(await detail("/api/v1/runs/other/results")).toBe("no such run");
  });
});

describe("DELETE /api/v1/runs/{id}", () => {
  function serve(cancelled: boolean) {
    const notes: string[] = [];
    const ended = { ...summary(), status: "finished" as const };
    const { runs } = recordingRuns({
      cancel: (runId) => (cancelled && runId === RUN_ID ? summary() : null),
      get: (runId) => (runId === RUN_ID ? ended : null),
    });
    const audit = { note: (...words: string[]) => void notes.push(words.join(" | ")) };
    return { notes, server: startServer({}, { runs, audit }) };
  }

  it("cancels what runs, and notes who did", async () => {
    const { notes, server } = serve(true);
    const answer = await (await server).call(`/api/v1/runs/${RUN_ID}`, { method: "DELETE" });
    expect([answer.status, answer.json()]).toEqual([202, summary()]);
    expect(notes).toEqual([`anonymous | cancel | suite all, run ${RUN_ID}`]);
  });

  it.each([
    [`/api/v1/runs/${RUN_ID}`, 409, /the run is finished/],
    ["/api/v1/runs/other", 404, /no such run/],
    [`/api/v1/runs/${RUN_ID}?force=true`, 400, /no parameter/],
  ])("refuses %s with %i", async (path, status, detail) => {
    const { notes, server } = serve(false);
    const answer = await (await server).call(path, { method: "DELETE" });
    expect(answer.status).toBe(status);
    expect((answer.json() as { detail: string }).detail).toMatch(detail);
    expect(notes.filter((note) => note.includes("cancel"))).toEqual([]);
  });
});
