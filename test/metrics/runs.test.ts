import { describe, expect, it } from "vitest";
import { createMetrics } from "../../src/metrics/metrics.ts";
import type { GroupTally } from "../../src/model/gate.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { group, sampleSummary } from "../report/sample.ts";
import { onlyValue, samplesOf, sumOf } from "./page-reader.ts";

const STARTED = Date.parse(sampleSummary.startedAt) / 1000;

function metrics(cohortLimit = 50) {
  return createMetrics({ version: "1", location: "local", cohortLimit });
}

async function pageAfter(...summaries: RunSummary[]): Promise<string> {
  const made = metrics();
  for (const summary of summaries) made.runFinished(summary, { maxAgeMs: 900_000, isPartial: false });
  return (await made.ownPage()).body;
}

describe("a run", () => {
  it("is in progress from its start to its end", async () => {
    const made = metrics();
    made.runStarted("pre-rollout");
    expect(onlyValue((await made.ownPage()).body, "run_in_progress")).toBe(1);
    made.runFinished(sampleSummary, { maxAgeMs: 1, isPartial: false });
    const { body } = await made.ownPage();
    expect(onlyValue(body, "run_in_progress")).toBe(0);
    expect(onlyValue(body, "run_last_progress_timestamp_seconds")).toBeGreaterThan(1_700_000_000);
  });

  it("leaves its decision, duration and times", async () => {
    const body = await pageAfter(sampleSummary);
    expect(onlyValue(body, "runs_total", { suite: "pre-rollout", decision: "no-go" })).toBe(1);
    expect(onlyValue(body, "run_duration_seconds_sum")).toBe(52.4);
    expect(onlyValue(body, "last_run_timestamp_seconds")).toBeCloseTo(STARTED + 52.4);
    expect(onlyValue(body, "gate_expiry_timestamp_seconds")).toBeCloseTo(STARTED + 52.4 + 900);
    expect(samplesOf(body, "last_go_timestamp_seconds")).toEqual([]);
  });

  it("over a part of its suite is counted and leaves the suite's gate as it was", async () => {
    const made = metrics();
    made.runFinished(sampleSummary, { maxAgeMs: 900_000, isPartial: false });
    const shown = (body: string) => body.split("\n").filter((line) => /^fleet_smoke_(gate|last)_/.test(line));
    const before = shown((await made.ownPage()).body);
    made.runFinished({ ...sampleSummary, decision: "go", groups: [] }, { maxAgeMs: 1, isPartial: true });
    const { body } = await made.ownPage();
    expect(shown(body)).toEqual(before);
    expect(onlyValue(body, "runs_total", { suite: "pre-rollout", decision: "go" })).toBe(1);
  });

  it("counts its checks as the summary does", async () => {
    const body = await pageAfter(sampleSummary, sampleSummary);
    const { pass, fail, inconclusive, skipped, checks } = sampleSummary.counts;
    for (const [verdict, value] of Object.entries({ pass, fail, inconclusive, skipped })) {
      expect(sumOf(body, "last_run_checks", { verdict })).toBe(value);
    }
    expect(sumOf(body, "last_run_checks")).toBe(checks);
  });

  it("has exactly one state for each group and for the whole", async () => {
    const body = await pageAfter(sampleSummary);
    const states = samplesOf(body, "gate_state").filter(({ value }) => value === 1);
    expect(states.map(({ labels }) => [labels.target, labels.cohort, labels.state])).toEqual([
      ["", "", "no-go"],
      ["eu-prod", "pumps", "go"],
      ["eu-prod", "valves", "no-go"],
      ["eu-prod", "meters", "inconclusive"],
    ]);
    expect(samplesOf(body, "gate_state")).toHaveLength(12);
  });

  it("shows the whole's rules, and no value where nothing could be measured", async () => {
    const unmeasured = { ...wholeRule("minPassRatio"), observed: null };
    const body = await pageAfter(sampleSummary, withRules([unmeasured, wholeRule("minChecks")]));
    expect(onlyValue(body, "gate_rule_threshold", { rule: "minPassRatio" })).toBe(1);
    expect(samplesOf(body, "gate_rule_observed", { rule: "minPassRatio" })).toEqual([]);
    expect(onlyValue(body, "gate_rule_observed", { rule: "minChecks" })).toBe(496);
    expect(samplesOf(body, "gate_rule_threshold", { rule: "maxInconclusiveRatio" })).toEqual([]);
  });

  it("replaces the one before: a group that is gone disappears", async () => {
    const body = await pageAfter(sampleSummary, goOf(group("pumps", { pass: 3 })));
    expect(samplesOf(body, "last_run_checks").map(({ labels }) => labels.cohort)).toEqual(
      Array(4).fill("pumps"),
    );
    expect(sumOf(body, "last_run_checks")).toBe(3);
    expect(samplesOf(body, "gate_state", { cohort: "valves" })).toEqual([]);
    expect(onlyValue(body, "gate_state", { cohort: "", state: "go" })).toBe(1);
  });

  it("leaves the other suites alone, and the last go when it is no go", async () => {
    const body = await pageAfter(
      { ...goOf(group("pumps", { pass: 1 })), suite: "other" },
      goOf(group("pumps", { pass: 2 })),
      { ...sampleSummary, startedAt: "2026-11-24T00:00:00.000Z" },
    );
    expect(sumOf(body, "last_run_checks", { suite: "other" })).toBe(1);
    expect(onlyValue(body, "last_go_timestamp_seconds", { suite: "pre-rollout" })).toBeCloseTo(
      STARTED + 52.4,
    );
  });

  it("without a decision leaves what the last one decided", async () => {
    const body = await pageAfter(sampleSummary, {
      ...sampleSummary,
      status: "cancelled",
      decision: null,
      gate: null,
      startedAt: "2026-11-24T00:00:00.000Z",
    });
    expect(onlyValue(body, "runs_total", { decision: "none" })).toBe(1);
    expect(onlyValue(body, "gate_state", { cohort: "", state: "no-go" })).toBe(1);
    expect(onlyValue(body, "last_run_timestamp_seconds")).toBeCloseTo(STARTED + 52.4);
    expect(onlyValue(body, "run_duration_seconds_count")).toBe(1);
  });

  it("shows the worst of the cohorts that share _overflow, and all their checks", async () => {
    const made = metrics(1);
    made.runFinished(sampleSummary, { maxAgeMs: 1, isPartial: false });
    const { body } = await made.ownPage();
    const overflow = { cohort: "_overflow" };
    expect(sumOf(body, "gate_state", overflow)).toBe(1);
    expect(onlyValue(body, "gate_state", { ...overflow, state: "no-go" })).toBe(1);
    expect(onlyValue(body, "last_run_checks", { ...overflow, verdict: "pass" })).toBe(280);
  });
});

function wholeRule(name: string) {
  const found = sampleSummary.gate?.rules.find(({ rule, cohort }) => rule === name && cohort === null);
  if (found === undefined) throw new Error(`no rule ${name}`);
  return found;
}

function withRules(rules: NonNullable<RunSummary["gate"]>["rules"]): RunSummary {
  return { ...sampleSummary, gate: { ...gateOf(sampleSummary), rules } };
}

function goOf(only: GroupTally): RunSummary {
  const { target, cohort } = only;
  return {
    ...sampleSummary,
    decision: "go",
    groups: [only],
    gate: { ...gateOf(sampleSummary), decision: "go", groups: [{ target, cohort, decision: "go" }] },
  };
}

function gateOf({ gate }: RunSummary): NonNullable<RunSummary["gate"]> {
  if (gate === null) throw new Error("no gate");
  return gate;
}
