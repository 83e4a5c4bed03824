import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { CAUSE_GUIDE } from "../../src/cli/daemon/cause-guide.ts";
import { toRecord } from "../../src/lib/words.ts";
import type { RunPoint } from "../../src/model/overview.ts";
import { sampleSummary } from "../report/sample.ts";
import { resultOf } from "../support/results.ts";
import { gateAnswerOf, RUN_ID, recordingGate, recordingRuns, startServer } from "./http-support.ts";

type Json = { readonly [key: string]: unknown };

interface Operation {
  readonly operationId: string;
  readonly summary: string;
  readonly security: readonly Json[];
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly schema: Json }[];
  readonly requestBody?: Body;
  readonly responses: Readonly<Record<string, Body>>;
}

interface Body {
  readonly description?: string;
  readonly required?: boolean;
  readonly content?: Readonly<Record<string, { readonly schema: Json }>>;
}

interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, Json>> };
}

/** Design 6.4: every route, and the scope it needs. */
const ROUTES: Readonly<Record<string, string | null>> = {
  "get /metrics": null,
  "get /-/healthy": null,
  "get /-/ready": null,
  "get /": null,
  "get /assets/{file}": null,
  "post /-/reload": "admin",
  "post /-/pause": "admin",
  "post /-/resume": "admin",
  "post /api/v1/runs": "trigger",
  "get /api/v1/runs": "read",
  "get /api/v1/runs/{runId}": "read",
  "delete /api/v1/runs/{runId}": "trigger",
  "get /api/v1/runs/{runId}/results": "read",
  "get /api/v1/runs/{runId}/events": "read",
  "get /api/v1/runs/{runId}/latency": "read",
  "get /api/v1/suites": "read",
  "get /api/v1/history": "read",
  "get /api/v1/devices/{device}/results": "read",
  "get /api/v1/causes": "read",
  "get /api/v1/gate/{suite}": "read",
  "post /api/v1/gate/{suite}": "trigger",
  "post /api/v1/gate/{suite}/flagger": "trigger",
  "post /api/v1/gate/{suite}/flagger/rollback": "trigger",
  "get /probe": "trigger",
  "get /openapi.json": "read",
};

const POINT: RunPoint = {
  ...{ runId: RUN_ID, status: "finished", decision: "go", isWhole: true },
  ...{ startedAt: "2026-11-23T01:17:29.000Z", decidedAt: "2026-11-23T01:17:40.000Z", durationSeconds: 11 },
  ...{ checks: 2, pass: 2, fail: 0, inconclusive: 0, skipped: 0, connectP95: 0.05, authorizerP95: null },
};

const METHODS = ["get", "post", "delete"];

async function serve() {
  const ended = { ...sampleSummary, runId: RUN_ID };
  const server = await startServer(
    {},
    {
      runs: recordingRuns({
        suites: ["all"],
        answer: { kind: "started", run: ended },
        get: (runId) => (runId === RUN_ID ? ended : null),
        list: () => ({ items: [ended], nextCursor: "next" }),
        cancel: (runId) => (runId === RUN_ID ? ended : null),
      }).runs,
      results: { results: () => [toRecord(resultOf())] },
      overview: {
        running: () => RUN_ID,
        lastWhole: () => ended,
        lastGo: () => ({ runId: RUN_ID, decidedAt: ended.decidedAt }),
        history: () => ({ items: [POINT], nextCursor: "next" }),
        latency: (runId) =>
          runId === RUN_ID
            ? ended.latency.map((row) => ({ ...row, buckets: [{ le: 0.1, count: 2 }] }))
            : null,
        ofDevice: () => ({
          items: [{ runId: RUN_ID, startedAt: ended.startedAt, ...toRecord(resultOf()) }],
          nextCursor: null,
        }),
      },
      causes: CAUSE_GUIDE,
      gate: recordingGate(gateAnswerOf({ counts: sampleSummary.counts })).gate,
    },
  );
  const document = (await server.call("/openapi.json")).json() as Document;
  return { server, document };
}

function operations(document: Document): [string, Operation][] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    METHODS.flatMap((method) => {
      const operation = item[method];
      return operation === undefined ? [] : [[`${method} ${path}`, operation] as [string, Operation]];
    }),
  );
}

/** The schema as a program reads it: from the document alone. */
function validator({ components }: Document, schema: Json): z.ZodType {
  const whole = { ...schema, $defs: components.schemas };
  return z.fromJSONSchema(JSON.parse(JSON.stringify(whole).replaceAll("#/components/schemas/", "#/$defs/")));
}

/** Members of an answer that its schema does not name. */
function undocumented(document: Document, schema: Json, value: unknown, path = ""): string[] {
  const { $ref, anyOf, oneOf, items, properties, additionalProperties } = schema as {
    readonly $ref?: string;
    readonly anyOf?: readonly Json[];
    readonly oneOf?: readonly Json[];
    readonly items?: Json;
    readonly properties?: Readonly<Record<string, Json>>;
    readonly additionalProperties?: unknown;
  };
  if ($ref !== undefined) {
    const target = document.components.schemas[$ref.replace("#/components/schemas/", "")];
    expect(target, $ref).toBeDefined();
    return undocumented(document, target ?? {}, value, path);
  }
  const choices = anyOf ?? oneOf;
  if (choices !== undefined) {
    const found = choices.filter((each) => validator(document, each).safeParse(value).success);
    return found[0] === undefined ? [path] : undocumented(document, found[0], value, path);
  }
  if (Array.isArray(value)) {
    return value.flatMap((each, index) => undocumented(document, items ?? {}, each, `${path}[${index}]`));
  }
  if (typeof value !== "object" || value === null || typeof additionalProperties === "object") return [];
  return Object.entries(value).flatMap(([name, each]) => {
    const member = properties?.[name];
    return member === undefined
      ? [`${path}.${name}`]
      : undocumented(document, member, each, `${path}.${name}`);
  });
}

describe("/openapi.json", () => {
  it("holds every route with the scope it needs, and no other", async () => {
    const { document } = await serve();
    expect(document.openapi).toMatch(/^3\.1\./);
    const found = operations(document).map(([route, { security }]) => {
      const [bearer] = security.map(({ bearer: roles }) => (roles as string[])[0] ?? "");
      return [route, bearer ?? null];
    });
    expect(Object.fromEntries(found)).toEqual(ROUTES);
  });

  it("says for every operation what it is, what it answers, and how it refuses", async () => {
    const { document } = await serve();
    const ids = new Set<string>();
    for (const [route, operation] of operations(document)) {
      ids.add(operation.operationId);
      expect(operation.summary, route).toMatch(/^\S.{5,}/);
      expect(Object.keys(operation.responses), route).toContain("default");
      expect(
        Object.keys(operation.responses).some((status) => status.startsWith("2")),
        route,
      ).toBe(true);
    }
    expect(ids.size).toBe(operations(document).length);
  });

  it("leads every reference somewhere", async () => {
    const { document } = await serve();
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to = ""]) => to);
    expect(references.length).toBeGreaterThan(5);
    for (const each of references) {
      expect(each).toMatch(/^#\/components\/schemas\//);
      expect(document.components.schemas).toHaveProperty(each.split("/").at(-1) ?? "");
    }
  });

  it("is what the routes check: what they refuse, the schema of their body or query refuses", async () => {
    const { server, document } = await serve();
    const bodies = [
      {},
      { suite: "all" },
      { suite: 1 },
      { unknown: 1 },
      { onInconclusive: "maybe" },
      { reason: "" },
    ];
    for (const path of ["/api/v1/runs", "/api/v1/gate/{suite}"]) {
      const schema = document.paths[path]?.post?.requestBody?.content?.["application/json"]?.schema ?? {};
      for (const json of bodies) {
        const { status } = await server.call(path.replace("{suite}", "all"), { method: "POST", json });
        expect({ path, json, valid: validator(document, schema).safeParse(json).success }).toEqual({
          path,
          json,
          valid: status < 400,
        });
      }
    }
    const names = (path: string) => document.paths[path]?.get?.parameters?.map(({ name }) => name);
    expect(names("/api/v1/runs/{runId}/results")).toEqual([
      ...["verdict", "cause", "authorizer", "gateway", "cohort", "protocol", "device", "derived"],
      ...["cursor", "limit"],
    ]);
    expect(names("/api/v1/history")).toEqual(["suite", "cursor", "limit"]);
    expect(names("/api/v1/runs")).toEqual(["cursor", "limit"]);
    expect(names("/probe")).toEqual(["device", "debug", "format"]);
  });

  it.each([
    ["get", "/api/v1/runs", ""],
    ["post", "/api/v1/runs", ""],
    ["get", "/api/v1/runs/{runId}", ""],
    ["delete", "/api/v1/runs/{runId}", ""],
    ["get", "/api/v1/runs/{runId}", "", "other"],
    ["delete", "/api/v1/runs/{runId}", "", "other"],
    ["get", "/api/v1/runs/{runId}/results", ""],
    ["get", "/api/v1/runs/{runId}/results", "?verdict=odd"],
    ["get", "/api/v1/runs/{runId}/latency", ""],
    ["get", "/api/v1/runs/{runId}/latency", "", "other"],
    ["get", "/api/v1/suites", ""],
    ["get", "/api/v1/suites", "?odd=1"],
    ["get", "/api/v1/history", "?suite=all"],
    ["get", "/api/v1/history", ""],
    ["get", "/api/v1/devices/{device}/results", ""],
    ["get", "/api/v1/causes", ""],
    ["get", "/api/v1/gate/{suite}", ""],
    ["post", "/api/v1/gate/{suite}", ""],
    ["post", "/api/v1/gate/{suite}", "?odd=1"],
    ["post", "/-/pause", ""],
    ["get", "/openapi.json", ""],
  ])("describes what %s %s%s really answers", async (method, path, query, runId = RUN_ID) => {
    const { server, document } = await serve();
    const operation = document.paths[path]?.[method];
    const real =
      path.replace("{runId}", runId).replace("{suite}", "all").replace("{device}", "pump-1") + query;
    const answer = await server.call(real, { method: method.toUpperCase() });
    const { responses } = operation ?? { responses: {} as Operation["responses"] };
    const described = responses[answer.status] ?? responses.default;
    const type = (answer.headers["content-type"] ?? "").replace(/; charset=utf-8$/, "");
    const schema = described?.content?.[type]?.schema;
    expect(schema, `${answer.status} ${type}`).toBeDefined();
    const body = answer.json();
    expect(validator(document, schema ?? {}).safeParse(body)).toMatchObject({ success: true });
    expect(undocumented(document, schema ?? {}, body)).toEqual([]);
  });

  it("would tell a wrong answer", async () => {
    const { document } = await serve();
    const schema = document.components.schemas.GateAnswer ?? {};
    const valid = (answer: unknown) => validator(document, schema).safeParse(answer).success;
    expect(valid(gateAnswerOf())).toBe(true);
    expect(valid({ ...gateAnswerOf(), decision: "maybe" })).toBe(false);
    expect(valid({ ...gateAnswerOf(), ok: "yes" })).toBe(false);
    expect(undocumented(document, schema, { ...gateAnswerOf(), more: 1 })).toEqual([".more"]);
  });
});

describe("docs/http.md", () => {
  it("names every route", () => {
    const text = readFileSync(join(import.meta.dirname, "../../docs/http.md"), "utf8");
    for (const route of Object.keys(ROUTES)) {
      const [, path = ""] = route.split(" ");
      expect(text).toContain(path.replace(/\{(runId|device)\}/, "{id}"));
    }
  });
});
