import { describe, expect, it } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { type LetIn, LetInOverRuns } from "../../src/run/let-in.ts";
import { resultOf } from "../support/results.ts";

const NOW = Date.UTC(2026, 10, 23);
const RECORD = toRecord(resultOf());

function recordOf(changes: Partial<ResultRecord>): ResultRecord {
  return { ...RECORD, target: "here", cohort: "pumps", protocol: "mqtt", ...changes };
}

function letIn(changes: Partial<LetIn> = {}): LetIn {
  return { target: "here", cohort: "pumps", protocol: "mqtt", kind: "wrong-password", atMs: NOW, ...changes };
}

function runAfter(earlier: readonly LetIn[], ...records: readonly Partial<ResultRecord>[]) {
  const run = new LetInOverRuns();
  for (const each of records) run.add(recordOf(each));
  return { open: run.openAfter(earlier, NOW), objection: run.objection(earlier, () => true) };
}

describe("what derived checks saw let in", () => {
  it("is remembered, and stands against a run that could not try it", () => {
    const { open } = runAfter([], { derived: "wrong-password", verdict: "fail" }, { verdict: "fail" });
    expect(open).toEqual([letIn()]);
    expect(runAfter(open).objection).toContain("let in: wrong-password;");
    expect(runAfter(open).open).toEqual(open);
  });

  it("is over once it is seen denied, and by nothing less", () => {
    const denied = runAfter([letIn()], { derived: "wrong-password", verdict: "pass" });
    expect(denied).toEqual({ open: [], objection: null });
    for (const other of [
      { derived: "wrong-password", verdict: "inconclusive" },
      { derived: "no-sni", verdict: "pass" },
      { derived: "wrong-password", verdict: "pass", cohort: "valves" },
      { derived: "wrong-password", verdict: "pass", protocol: "wss" },
      { derived: null, verdict: "pass" },
    ] as const) {
      expect(runAfter([letIn()], other).open).toEqual([letIn()]);
    }
  });

  it("stays open where one device got in with it and another did not, in either order", () => {
    const words = [
      { derived: "wrong-password", verdict: "pass" },
      { derived: "wrong-password", verdict: "fail" },
    ] as const;
    expect(runAfter([], ...words).open).toEqual([letIn()]);
    expect(runAfter([], ...words.toReversed()).open).toEqual([letIn()]);
  });

  it("says nothing of other devices, and is forgotten after a day", () => {
    expect(new LetInOverRuns().objection([letIn()], ({ cohort }) => cohort === "valves")).toBeNull();
    expect(runAfter([letIn({ atMs: NOW - 86_400_000 })]).open).toEqual([]);
  });
});
