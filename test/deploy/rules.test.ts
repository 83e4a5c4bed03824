import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { alerts } from "../../deploy/prometheus/alerts.ts";
import { RECORDINGS } from "../../deploy/prometheus/recording.ts";
import { JOB, renderAlerts, renderPrometheusRule, renderRecordings } from "../../deploy/prometheus/rules.ts";
import { THROTTLING } from "../../deploy/prometheus/selectors.ts";
import { SHIPPED } from "../../deploy/prometheus/thresholds.ts";
import { ERROR_NAMES } from "../../src/aws/error-names.ts";
import { anchorsOf } from "./anchors.ts";
import { unknownMetrics } from "./metric-names.ts";

const ROOT = join(import.meta.dirname, "../..");
const PROMETHEUS = join(ROOT, "deploy/prometheus");
const TESTS = join(PROMETHEUS, "tests");
const ALERTS = alerts(SHIPPED).flatMap(({ rules }) => rules);

const folder = mkdtempSync(join(tmpdir(), "rules-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function promtool(...args: readonly string[]): { readonly status: number | null; readonly said: string } {
  const { status, stdout, stderr, error } = spawnSync("promtool", args, { cwd: TESTS, encoding: "utf8" });
  if (error !== undefined) throw error;
  return { status, said: stdout + stderr };
}

describe("the shipped rules", () => {
  it("are what their source makes", async () => {
    await expect(renderAlerts(alerts(SHIPPED))).toMatchFileSnapshot(join(PROMETHEUS, "alerts.yaml"));
    await expect(renderRecordings(RECORDINGS)).toMatchFileSnapshot(join(PROMETHEUS, "recording.yaml"));
    const resource = renderPrometheusRule(alerts(SHIPPED), RECORDINGS);
    await expect(resource).toMatchFileSnapshot(join(ROOT, "deploy/kubernetes/prometheusrule.yaml"));
  });

  it("are clean to promtool, with the configuration that names them", () => {
    const checked = promtool("check", "config", "--lint-fatal", join(PROMETHEUS, "prometheus.yaml"));
    expect(checked, checked.said).toMatchObject({ status: 0 });
    expect(checked.said).toContain(`${ALERTS.length} rules found`);
    const rules = promtool("check", "rules", "--lint-fatal", join(PROMETHEUS, "recording.yaml"));
    expect(rules, rules.said).toMatchObject({ status: 0 });
  });

  it("name exported metrics only", () => {
    const expressions = [...ALERTS, ...RECORDINGS.flatMap(({ rules }) => rules)].map(({ expr }) => expr);
    expect(expressions.length).toBeGreaterThan(20);
    expect(expressions.flatMap((expr) => unknownMetrics(expr))).toEqual([]);
    expect(unknownMetrics("rate(fleet_smoke_nonsense_total[5m]) > fleet_smoke_paused")).toEqual([
      "fleet_smoke_nonsense_total",
    ]);
  });

  it.each(ALERTS)("$alert leads to a runbook that is there", ({ runbook, summary, description }) => {
    const [file = "", anchor = ""] = runbook.split("#");
    expect(["docs/causes.md", "docs/operations.md"]).toContain(file);
    expect(anchorsOf(readFileSync(join(ROOT, file), "utf8"))).toContain(anchor);
    expect(summary.length).toBeGreaterThan(10);
    expect(description.length).toBeGreaterThan(40);
  });

  it("have one name each, and a runbook entry names no alert that is gone", () => {
    const names = ALERTS.map(({ alert }) => alert);
    expect(new Set(names).size).toBe(names.length);
    const operations = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
    const described = [...operations.matchAll(/^#+ (FleetSmoke\w+)$/gm)].map(([, name]) => name);
    const own = ALERTS.filter(({ runbook }) => runbook.startsWith("docs/operations.md"));
    expect(described.toSorted()).toEqual(own.map(({ alert }) => alert).toSorted());
  });

  it("know the names that the AWS client knows for throttling", () => {
    expect(THROTTLING).toEqual(ERROR_NAMES.throttled);
  });

  it("select the job that the scrape configuration names", () => {
    const { scrape_configs } = parse(readFileSync(join(PROMETHEUS, "prometheus.yaml"), "utf8")) as {
      scrape_configs: { job_name: string }[];
    };
    expect(scrape_configs.map(({ job_name }) => job_name)).toEqual([JOB]);
  });
});

describe("the rules' own tests", () => {
  const files = readdirSync(TESTS).filter((file) => file.endsWith(".yaml"));

  it("hold", () => {
    const tested = promtool("test", "rules", ...files);
    expect(tested, tested.said).toMatchObject({ status: 0 });
  });

  it("see each alert fire, and see it silent before and after", () => {
    const cases = files.flatMap((file) => casesOf(readFileSync(join(TESTS, file), "utf8")));
    for (const { alert } of ALERTS) {
      const states = cases.filter(({ alertname }) => alertname === alert).map(({ fires }) => fires);
      expect.soft(states.join(), alert).toMatch(/false(,true)+,false/);
    }
    expect(cases.filter(({ alertname }) => ALERTS.every(({ alert }) => alert !== alertname))).toEqual([]);
  });

  it("fail when a rule is wrong", () => {
    const wrong = renderAlerts(alerts({ ...SHIPPED, stuckSeconds: 10, downFor: "1h" }));
    writeFileSync(join(folder, "alerts.yaml"), wrong);
    const some = ["run.yaml", "tester.yaml"];
    for (const file of some) {
      const text = readFileSync(join(TESTS, file), "utf8").replaceAll("../alerts.yaml", "alerts.yaml");
      writeFileSync(
        join(folder, file),
        text.replaceAll("../recording.yaml", join(PROMETHEUS, "recording.yaml")),
      );
    }
    const { said } = promtool("test", "rules", ...some.map((file) => join(folder, file)));
    expect(said).toContain("FleetSmokeRunStuck");
    expect(said).toContain("FleetSmokeDown");
  });
});

interface Case {
  readonly alertname: string;
  readonly fires: boolean;
}

/** Looks at each alert in the order of time; a test file's groups one after the other. */
function casesOf(text: string): readonly Case[] {
  const { tests } = parse(text) as {
    tests: { alert_rule_test?: { alertname: string; exp_alerts: unknown[] }[] }[];
  };
  return tests.flatMap(({ alert_rule_test = [] }) =>
    alert_rule_test.map(({ alertname, exp_alerts }) => ({ alertname, fires: exp_alerts.length > 0 })),
  );
}
