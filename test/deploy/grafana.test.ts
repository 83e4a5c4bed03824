import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { renderDashboard } from "../../deploy/grafana/dashboard.ts";
import { ROWS } from "../../deploy/grafana/rows.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { unknownMetrics } from "./metric-names.ts";

const SHIPPED = join(import.meta.dirname, "../../deploy/grafana/fleet-smoke.json");

interface Panel {
  readonly type: string;
  readonly title: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly expr: string }[];
}

interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query: string | { readonly query: string };
}

const folder = mkdtempSync(join(tmpdir(), "grafana-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let panels: readonly Panel[] = [];
let variables: readonly Variable[] = [];
let expressions: readonly string[] = [];
beforeAll(() => {
  const board = JSON.parse(renderDashboard()) as {
    panels: Panel[];
    templating: { list: Variable[] };
  };
  panels = board.panels;
  variables = board.templating.list;
  expressions = panels.flatMap(({ targets = [] }) => targets.map(({ expr }) => expr));
});

/** What Grafana puts in the place of its variables. */
function filled(expr: string): string {
  return expr.replace(/\$__(rate_interval|range)/g, "5m").replace(/\$(suite|target|cohort)\b/g, ".*");
}

describe("the Grafana dashboard", () => {
  it("is what its source makes", async () => {
    await expect(renderDashboard()).toMatchFileSnapshot(SHIPPED);
  });

  it("has a row for each thing to look at, and panels that do not overlap", () => {
    const rows = panels.filter(({ type }) => type === "row").map(({ title }) => title);
    expect(rows).toEqual(ROWS.map(({ title }) => title));
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  it("can be narrowed by data source, suite, target and cohort, which all are used", () => {
    expect(variables.map(({ name }) => name)).toEqual(["datasource", "suite", "target", "cohort"]);
    for (const name of ["suite", "target", "cohort"])
      expect(expressions.join("\n")).toContain(`=~"$${name}"`);
  });

  it("asks what Prometheus can parse", () => {
    expect(expressions.length).toBeGreaterThan(30);
    expect(check(expressions.map(filled))).toEqual({ status: 0, failures: [] });
    expect(check(["sum by (suite (up)"]).status).not.toBe(0);
  });

  it("asks for exported series only", async () => {
    const { body } = await createMetrics({ version: "1", location: "local" }).page();
    const onPage = new Set([...body.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
    const asked = variables.flatMap(({ query }) => (typeof query === "string" ? [] : [query.query]));
    for (const expr of [...expressions, ...asked]) {
      expect.soft(unknownMetrics(expr), expr).toEqual([]);
      const others = expr.match(/\b(process|nodejs)_\w+/g) ?? [];
      expect
        .soft(
          others.filter((name) => !onPage.has(name)),
          expr,
        )
        .toEqual([]);
      expect.soft(expr).toMatch(/fleet_smoke_\w+/);
    }
  });
});

/** Has promtool parse queries as the recording rules that they could be. */
function check(exprs: readonly string[]): { readonly status: number | null; readonly failures: string[] } {
  const rules = exprs.map((expr, index) => ({ record: `query:${index}`, expr }));
  const file = join(folder, "queries.yaml");
  writeFileSync(file, stringify({ groups: [{ name: "queries", rules }] }, { lineWidth: 0 }));
  const { status, stdout, stderr, error } = spawnSync("promtool", ["check", "rules", file], {
    encoding: "utf8",
  });
  if (error !== undefined) throw error;
  return {
    status,
    failures: (stdout + stderr).split("\n").filter((line) => /could not parse|error/i.test(line)),
  };
}
