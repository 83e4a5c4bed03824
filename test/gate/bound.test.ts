import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../src/gate/decide.ts";
import { lostRule } from "../../src/gate/lost.ts";
import { failureRateBound } from "../../src/lib/failure-bound.ts";
import type { GateOutcome, GateRules, GroupTally } from "../../src/model/gate.ts";
import { RULES_OFF } from "../support/suite.ts";

/** `perDevice`: checks of each. */
function drawn(pass: number, fail: number, ofDevices: number, perDevice = 1, cohort = "pumps"): GroupTally {
  const checks = pass + fail;
  const sample = { devices: checks / perDevice, ofDevices, checks, ofChecks: ofDevices * perDevice };
  return {
    ...{ target: "here", cohort, pass, fail, inconclusive: 0, skipped: 0, notRun: 0, invalid: 0 },
    ...{ expected: checks, unexpectedAccepts: 0, derived: 0, derivedFailed: 0, sample },
    ...{ connectP95Seconds: null, authorizerP95Seconds: null, newFailures: null, policyChanges: null },
  };
}

function gate(groups: readonly GroupTally[], rules: Partial<GateRules>): GateOutcome {
  const latency = { connectP95Seconds: null, authorizerP95Seconds: null };
  return decide({
    groups,
    invalidProfiles: 0,
    latency,
    rules: { ...RULES_OFF, ...rules },
    cohortRules: {},
    notes: [],
  });
}

function ruleOf({ rules }: GateOutcome, name: string, cohort: string | null = "pumps") {
  return rules.find(({ rule, cohort: of }) => rule === name && of === cohort);
}

describe("minPassRatio of a sample", () => {
  it.each([
    ["the bound reaches the threshold", drawn(73, 0, 1_000_000), 0.95, "go"],
    ["nothing failed, and that is too little to tell", drawn(72, 0, 1_000_000), 0.95, "inconclusive"],
    ["few failed, and that is too little to tell", drawn(97, 3, 10_000), 0.95, "inconclusive"],
    ["the sample itself misses the threshold", drawn(94, 6, 10_000), 0.95, "no-go"],
    ["no sample shows 1", drawn(999, 0, 1_000), 1, "inconclusive"],
    ["one failure is enough against 1", drawn(99, 1, 1_000_000), 1, "no-go"],
    ["all were drawn, and all passed", drawn(50, 0, 50), 1, "go"],
    ["all were drawn, and few failed", drawn(48, 2, 50), 0.95, "go"],
  ] as const)("%s", (_, group, minPassRatio, decision) => {
    expect(gate([group], { minPassRatio }).decision).toBe(decision);
  });

  it("is told as the bound for all, beside what was seen", () => {
    const outcome = gate([drawn(97, 3, 10_000)], { minPassRatio: 0.95 });
    const failureRate = failureRateBound(3, { devices: 100, ofDevices: 10_000 });
    const bound = Number((1 - failureRate).toFixed(12));
    expect(ruleOf(outcome, "minPassRatio")).toMatchObject({ observed: bound, inSample: 0.97, met: false });
    expect(outcome.reason).toMatch(
      /^pumps on here: minPassRatio is 0\.9\d+ at worst \(0\.97 in the sample\), threshold 0\.95/,
    );
    expect(outcome.bounds).toEqual([
      {
        ...{ target: "here", cohort: "pumps", devices: 100, ofDevices: 10_000, decided: 100, failed: 3 },
        ...{ failureRate, confidence: 0.95 },
      },
    ]);
  });

  it("counts devices and not their checks, which may fail together", () => {
    const one = ruleOf(gate([drawn(80, 0, 10_000)], {}), "minPassRatio");
    const three = ruleOf(gate([drawn(240, 0, 10_000, 3)], {}), "minPassRatio");
    expect(three?.observed).toBeCloseTo(one?.observed ?? Number.NaN, 12);
  });

  it("does not count what was inconclusive", () => {
    const outcome = gate([{ ...drawn(40, 0, 10_000), inconclusive: 40 }], {});
    expect(ruleOf(outcome, "minPassRatio")?.observed).toBeLessThan(
      ruleOf(gate([drawn(80, 0, 10_000)], {}), "minPassRatio")?.observed ?? 0,
    );
  });

  it("weighs each cohort of the whole by what it stands for", () => {
    const groups = [drawn(100, 0, 100_000), drawn(0, 10, 10, 1, "valves")];
    const whole = ruleOf(gate(groups, {}), "minPassRatio", null);
    const pumps = ruleOf(gate(groups, {}), "minPassRatio");
    expect(whole?.observed).toBeCloseTo(((pumps?.observed ?? 0) * 100_000) / 100_010, 9);
    expect(whole?.inSample).toBeCloseTo(100 / 110, 9);
  });

  it("is never better than what was seen, and no better with more failures", () => {
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), fc.integer({ min: 1, max: 100_000 }), (pass, fail, more) => {
        if (pass + fail === 0) return;
        const of = (failed: number) =>
          ruleOf(gate([drawn(pass, failed, pass + fail + 1 + more)], {}), "minPassRatio")?.observed ??
          Number.NaN;
        expect(of(fail)).toBeLessThanOrEqual(pass / (pass + fail) + 1e-9);
        expect(of(fail + 1)).toBeLessThanOrEqual(of(fail) + 1e-9);
      }),
    );
  });
});

describe("maxFailures of a sample", () => {
  it.each([
    ["too few could fail among all", drawn(900, 0, 1_000), 5, "go"],
    ["more could fail among all", drawn(100, 0, 1_000), 5, "inconclusive"],
    ["more fail among all, most likely", drawn(99, 1, 1_000), 5, "no-go"],
  ] as const)("%s", (_, group, maxFailures, decision) => {
    expect(gate([group], { maxFailures }).decision).toBe(decision);
  });
});

describe("failFast with a sample", () => {
  const input = { rules: { ...RULES_OFF, minPassRatio: 0.95 }, cohortRules: {} };

  it("stops where no rest of the sample makes up for the failures, and not where it is only too small to tell", () => {
    expect(lostRule({ ...input, groups: [{ group: drawn(80, 10, 10_000), left: 10 }] })).toContain(
      "minPassRatio",
    );
    expect(lostRule({ ...input, groups: [{ group: drawn(10, 0, 10_000), left: 1 }] })).toBeNull();
  });
});

describe("authorizer: sample", () => {
  const sample = { devices: 73, ofDevices: 10_000, checks: 146, ofChecks: 20_000 };
  const exact = ({ sample: _, ...group }: GroupTally): GroupTally => group;
  const asked = (answered: number, disagreed: number, of = sample): GroupTally => ({
    ...exact(drawn(20_000, 0, 10_000, 2)),
    asked: { sample: of, answered, disagreed },
  });

  it("lets a go say which rate of disagreement it does not exclude", () => {
    const outcome = gate([asked(146, 0)], { minPassRatio: 1 });
    expect(outcome.decision).toBe("go");
    expect(outcome.reason).toBe(
      "every rule is met; with 95 % confidence the authorizer disagrees with the gateway about no more than 4.97 % of any cohort's devices",
    );
    expect(outcome.bounds).toBeUndefined();
    expect(outcome.disagreement).toMatchObject([
      { decided: 146, failed: 0, devices: 73, failureRate: 0.0497 },
    ]);
  });

  it("excludes nothing where the authorizer gave no answer, and knows the rate where it was asked about all", () => {
    const rate = (group: GroupTally) => gate([group], {}).disagreement?.[0]?.failureRate;
    expect(rate(asked(0, 0))).toBe(1);
    const all = { devices: 50, ofDevices: 50, checks: 50, ofChecks: 50 };
    expect(rate(asked(50, 5, all))).toBe(0.1);
  });
});
