import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide, type GateInput } from "../../src/gate/decide.ts";
import type { GroupTally } from "../../src/model/gate.ts";
import { GATE_RULES } from "../support/suite.ts";

const UNTIMED = { connectP95Seconds: null, authorizerP95Seconds: null };

function group(changes: Partial<GroupTally>, cohort = "pumps"): GroupTally {
  const counted = { pass: 0, fail: 0, inconclusive: 0, skipped: 0, notRun: 0, ...changes };
  const expected = counted.pass + counted.fail + counted.inconclusive + counted.skipped + counted.notRun;
  return {
    target: "here",
    cohort,
    unexpectedAccepts: 0,
    invalid: 0,
    expected,
    derived: 0,
    derivedFailed: 0,
    connectP95Seconds: null,
    authorizerP95Seconds: null,
    newFailures: null,
    policyChanges: null,
    ...counted,
  };
}

function gate(groups: GroupTally[], changes: Partial<GateInput> = {}) {
  return decide({
    groups,
    invalidProfiles: 0,
    latency: UNTIMED,
    rules: GATE_RULES,
    cohortRules: {},
    notes: [],
    ...changes,
  });
}

function rule(outcome: ReturnType<typeof decide>, name: string, cohort: string | null = null) {
  return outcome.rules.find((each) => each.rule === name && each.cohort === cohort);
}

describe("the gate", () => {
  it("is go when every check passed", () => {
    expect(gate([group({ pass: 10 })])).toMatchObject({ decision: "go", nothingSelected: false });
  });

  it.each([
    ["one failure", { pass: 9, fail: 1 }, "no-go", "minPassRatio"],
    ["one inconclusive", { pass: 9, inconclusive: 1 }, "inconclusive", "maxInconclusiveRatio"],
    ["one not run", { pass: 9, notRun: 1 }, "inconclusive", "notRun"],
    ["a guarded device", { pass: 9, skipped: 1 }, "inconclusive", "minCoverage"],
    ["fewer than expected", { pass: 9, expected: 10 }, "inconclusive", "minCoverage"],
    ["failures and inconclusives", { pass: 1, fail: 1, inconclusive: 8 }, "no-go", "minPassRatio"],
    ["an unexpected accept", { pass: 9, fail: 1, unexpectedAccepts: 1 }, "no-go", "minPassRatio"],
    ["a derived check that failed", { pass: 9, derived: 1, derivedFailed: 1 }, "no-go", "derivedFailures"],
    ["nothing but inconclusives", { inconclusive: 9 }, "inconclusive", "minPassRatio"],
  ] as const)("%s: %s is %s because of %s", (_, changes, decision, unmet) => {
    const outcome = gate([group(changes)]);
    expect(outcome.decision).toBe(decision);
    expect(rule(outcome, unmet, "pumps")?.met).toBe(false);
    expect(outcome.reason).toContain("pumps on here");
  });

  it("says why nothing was run, where nothing was", () => {
    const refused = gate([group({ notRun: 9 })], { notes: ["somebody is there", "and there"] });
    expect(refused).toMatchObject({ decision: "inconclusive", reason: "somebody is there" });
    const stopped = gate([group({ notRun: 8, pass: 1 })], { notes: ["stopped"] });
    expect(stopped.reason).toContain("pumps on here");
  });

  it("computes the ratios as the design says", () => {
    const outcome = gate([group({ pass: 6, fail: 2, inconclusive: 1, skipped: 1, expected: 20 })], {
      invalidProfiles: 2,
    });
    expect(rule(outcome, "minPassRatio")?.observed).toBe(6 / 8);
    expect(rule(outcome, "maxInconclusiveRatio")?.observed).toBe((1 + 2) / (10 + 2));
    expect(rule(outcome, "minCoverage")?.observed).toBe(9 / 20);
  });

  it("is never hidden by an aggregate: one dead cohort among many healthy ones decides", () => {
    const rules = { ...GATE_RULES, minPassRatio: 0.9 };
    const outcome = gate([group({ pass: 1000 }), group({ fail: 3 }, "valves")], { rules });
    expect(rule(outcome, "minPassRatio")?.met).toBe(true);
    expect(outcome.decision).toBe("no-go");
    expect(outcome.groups).toEqual([
      { target: "here", cohort: "pumps", decision: "go" },
      { target: "here", cohort: "valves", decision: "no-go" },
    ]);
  });

  it("lets a cohort have a lower bar of its own", () => {
    const cohortRules = { valves: { minPassRatio: 0.5 } };
    expect(gate([group({ pass: 9 }), group({ pass: 5, fail: 5 }, "valves")], { cohortRules }).decision).toBe(
      "go",
    );
    expect(gate([group({ pass: 8, fail: 1 }), group({ pass: 9 }, "valves")], { cohortRules }).decision).toBe(
      "no-go",
    );
  });

  it("is inconclusive when nothing was selected, and says so", () => {
    for (const groups of [[], [group({})]]) {
      const rules = { ...GATE_RULES, minChecks: 0 };
      expect(gate(groups, { rules })).toMatchObject({
        decision: "inconclusive",
        nothingSelected: true,
        reason: "nothing was selected",
      });
    }
  });

  it("gives a rule that was measured as its reason, before one that could not be", () => {
    expect(gate([group({ inconclusive: 9 })]).reason).toContain("maxInconclusiveRatio is 1, threshold 0");
  });

  it("names a cohort that is expected and absent", () => {
    const outcome = gate([group({ pass: 9 }), { ...group({ expected: 5 }, "valves"), target: "" }]);
    expect(outcome.decision).toBe("inconclusive");
    expect(outcome.reason).toContain("valves");
  });

  it("never turns to go over an invalid profile or a fault of the run itself", () => {
    expect(gate([group({ pass: 9 })], { invalidProfiles: 1 }).decision).toBe("inconclusive");
    expect(gate([group({ pass: 9 })], { notes: ["the source changed"] })).toMatchObject({
      decision: "inconclusive",
      reason: "the source changed",
    });
  });

  it("is go only when all checks passed, under the default rules", () => {
    const count = fc.nat(5);
    const counts = fc.record({
      pass: count,
      fail: count,
      inconclusive: count,
      skipped: count,
      notRun: count,
    });
    fc.assert(
      fc.property(fc.array(counts, { maxLength: 4 }), (all) => {
        const groups = all.map((each, index) => group(each, `c${index}`));
        const clean = all.every(
          ({ pass, fail, inconclusive, skipped, notRun }) =>
            pass > 0 && fail + inconclusive + skipped + notRun === 0,
        );
        expect(gate(groups).decision === "go").toBe(clean && all.length > 0);
      }),
    );
  });

  it("never improves when a pass becomes a failure", () => {
    const order = ["no-go", "inconclusive", "go"];
    fc.assert(
      fc.property(fc.nat(5), fc.nat(5), fc.nat(5), (pass, fail, inconclusive) => {
        const before = gate([group({ pass: pass + 1, fail, inconclusive })]).decision;
        const after = gate([group({ pass, fail: fail + 1, inconclusive })]).decision;
        expect(order.indexOf(after)).toBeLessThanOrEqual(order.indexOf(before));
      }),
    );
  });
});
