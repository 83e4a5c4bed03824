import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decide } from "../../src/gate/decide.ts";
import { lostRule } from "../../src/gate/lost.ts";
import type { GateRules, GroupTally, LatencyTally } from "../../src/model/gate.ts";
import { RULES_OFF } from "../support/suite.ts";

const UNTIMED: LatencyTally = { connectP95Seconds: null, authorizerP95Seconds: null };

function group(changes: Partial<GroupTally> = {}, cohort = "pumps"): GroupTally {
  return {
    target: "here",
    cohort,
    ...{ pass: 10, fail: 0, inconclusive: 0, skipped: 0, notRun: 0, invalid: 0, expected: 10 },
    ...{ unexpectedAccepts: 0, derived: 0, derivedFailed: 0 },
    ...{ ...UNTIMED, newFailures: null, policyChanges: null },
    ...changes,
  };
}

interface Changes {
  readonly rules?: Partial<GateRules>;
  readonly cohortRules?: Readonly<Record<string, Partial<GateRules>>>;
  readonly latency?: LatencyTally;
}

function gate(groups: readonly GroupTally[], { rules = {}, cohortRules = {}, latency = UNTIMED }: Changes) {
  return decide({
    groups,
    invalidProfiles: 0,
    latency,
    rules: { ...RULES_OFF, ...rules },
    cohortRules,
    notes: [],
  });
}

const FAST: LatencyTally = { connectP95Seconds: 0.2, authorizerP95Seconds: 0.1 };

describe("a rule without a default", () => {
  const all: Partial<GateRules> = {
    maxFailures: 1,
    maxConnectP95Ms: 250,
    maxAuthorizerP95Ms: 150,
    maxNewFailures: 1,
    requirePolicyUnchanged: true,
  };
  const good: Partial<GroupTally> = { ...FAST, fail: 1, newFailures: 1, policyChanges: 0 };

  it("is met at its threshold, with seconds and counts as numbers", () => {
    const outcome = gate([group(good)], { rules: all, latency: FAST });
    expect(outcome.decision).toBe("go");
    const shown = outcome.rules
      .filter(
        ({ rule, cohort }) => cohort === null && rule in { ...all, maxConnectP95: 1, maxAuthorizerP95: 1 },
      )
      .map(({ rule, threshold, observed }) => [rule, threshold, observed]);
    expect(shown).toEqual([
      ["maxFailures", 1, 1],
      ["maxConnectP95", 0.25, 0.2],
      ["maxAuthorizerP95", 0.15, 0.1],
      ["maxNewFailures", 1, 1],
      ["requirePolicyUnchanged", 0, 0],
    ]);
  });

  it.each([
    ["maxFailures", { fail: 2 }, "pumps on here: maxFailures is 2, threshold 1"],
    ["maxConnectP95", { connectP95Seconds: 0.3 }, "maxConnectP95 is 0.3 s, threshold 0.25 s"],
    ["maxAuthorizerP95", { authorizerP95Seconds: 0.3 }, "maxAuthorizerP95 is 0.3 s, threshold 0.15 s"],
    ["maxNewFailures", { newFailures: 2 }, "maxNewFailures is 2, threshold 1"],
    ["requirePolicyUnchanged", { policyChanges: 1 }, "requirePolicyUnchanged is 1, threshold 0"],
  ])("%s makes a no-go of one cohort that is worse, and names it", (_rule, bad, reason) => {
    const groups = [group(good, "valves"), group({ ...good, ...bad })];
    const outcome = gate(groups, { rules: all, latency: FAST });
    expect(outcome.decision).toBe("no-go");
    expect(outcome.reason).toContain(reason);
    expect(outcome.groups.map(({ cohort, decision }) => [cohort, decision])).toEqual([
      ["valves", "go"],
      ["pumps", "no-go"],
    ]);
  });

  it.each([
    ["maxConnectP95", { maxConnectP95Ms: 1 }],
    ["maxAuthorizerP95", { maxAuthorizerP95Ms: 1 }],
    ["maxNewFailures", { maxNewFailures: 0 }],
    ["requirePolicyUnchanged", { requirePolicyUnchanged: true }],
  ])("%s is inconclusive, and named, where it cannot be measured", (rule, rules) => {
    const outcome = gate([group()], { rules });
    expect(outcome.decision).toBe("inconclusive");
    expect(outcome.reason).toContain(`pumps on here: ${rule} is not measurable`);
  });

  it("is not there where it is off", () => {
    const names = gate([group(good)], {}).rules.map(({ rule }) => rule);
    expect(names).not.toContain("maxFailures");
    expect(names).not.toContain("requirePolicyUnchanged");
  });

  it("holds the whole to the loosest of its parts, and to none where one has none", () => {
    const both = [group({ fail: 3 }), group({ fail: 1 }, "valves")];
    const lower = { rules: { maxFailures: 1 }, cohortRules: { pumps: { maxFailures: 4 } } };
    expect(gate(both, lower).decision).toBe("go");
    const only = gate(both, { cohortRules: { pumps: { maxFailures: 2 } } });
    expect(only.decision).toBe("no-go");
    expect(only.rules.filter(({ rule }) => rule === "maxFailures").map(({ cohort }) => cohort)).toEqual([
      "pumps",
    ]);
    const lifted = { rules: { requirePolicyUnchanged: true }, cohortRules: { pumps: NEW_COHORT } };
    expect(gate([group(), group({ policyChanges: 0 }, "valves")], lifted).decision).toBe("go");
  });

  it("takes no rules from what every object has", () => {
    expect(gate([group({}, "constructor"), group({}, "__proto__")], {}).decision).toBe("go");
  });
});

const NEW_COHORT: Partial<GateRules> = { requirePolicyUnchanged: false };

const nothing = fc.constant(null);
const anyRules: fc.Arbitrary<GateRules> = fc.record({
  minChecks: fc.nat(5),
  minPassRatio: fc.constantFrom(0, 0.5, 0.9, 1),
  maxUnexpectedAccepts: fc.nat(2),
  maxInconclusiveRatio: fc.constantFrom(0, 0.5, 1),
  minCoverage: fc.constantFrom(0, 0.5, 1),
  maxFailures: fc.oneof(nothing, fc.nat(4)),
  maxConnectP95Ms: fc.oneof(nothing, fc.integer({ min: 1, max: 500 })),
  maxAuthorizerP95Ms: fc.oneof(nothing, fc.integer({ min: 1, max: 500 })),
  maxNewFailures: fc.oneof(nothing, fc.nat(3)),
  requirePolicyUnchanged: fc.boolean(),
  maxAgeMs: fc.constant(900_000),
});
const anyGroup = (cohort: string): fc.Arbitrary<GroupTally> =>
  fc
    .record({
      pass: fc.nat(10),
      fail: fc.nat(5),
      inconclusive: fc.nat(3),
      unexpectedAccepts: fc.nat(2),
      derivedFailed: fc.nat(1),
      connectP95Seconds: fc.oneof(nothing, fc.double({ min: 0, max: 1, noNaN: true })),
      authorizerP95Seconds: fc.oneof(nothing, fc.double({ min: 0, max: 1, noNaN: true })),
      newFailures: fc.oneof(nothing, fc.nat(5)),
      policyChanges: fc.oneof(nothing, fc.nat(5)),
    })
    .map((changes) =>
      group({ ...changes, expected: changes.pass + changes.fail + changes.inconclusive }, cohort),
    );
const anyGroups = fc.tuple(anyGroup("pumps"), anyGroup("valves"), anyGroup("meters"));
const anyOverrides = fc.record({
  pumps: anyRules.map(({ minPassRatio, maxFailures, maxNewFailures }) => ({
    minPassRatio,
    ...(maxFailures === null ? {} : { maxFailures }),
    ...(maxNewFailures === null ? {} : { maxNewFailures }),
  })),
});

describe("whatever is measured", () => {
  it("the worst part decides: a go has no part that is less", () => {
    fc.assert(
      fc.property(anyGroups, anyRules, anyOverrides, (groups, rules, cohortRules) => {
        const outcome = gate(groups, { rules, cohortRules });
        const parts = outcome.groups.map(({ decision }) => decision);
        if (parts.includes("no-go")) expect(outcome.decision).toBe("no-go");
        else if (parts.includes("inconclusive")) expect(outcome.decision).not.toBe("go");
      }),
    );
  });

  it("a rule that is on and cannot be measured never passes", () => {
    fc.assert(
      fc.property(anyGroups, anyRules, (groups, rules) => {
        const outcome = gate(groups, { rules });
        for (const { rule, observed, met, unmetMeans } of outcome.rules) {
          if (observed !== null || !/P95|maxNewFailures|requirePolicy/.test(rule)) continue;
          expect({ rule, met, unmetMeans }).toEqual({ rule, met: false, unmetMeans: "inconclusive" });
          expect(outcome.decision).not.toBe("go");
        }
      }),
    );
  });

  it("a suite that passes its cohorts one by one is not failed as a whole by what adds up from them", () => {
    const latency: LatencyTally = { connectP95Seconds: 0, authorizerP95Seconds: 0 };
    const ratios = /minPassRatio|minCoverage|maxInconclusiveRatio|P95/;
    fc.assert(
      fc.property(anyGroups, anyRules, anyOverrides, (groups, rules, cohortRules) => {
        const outcome = gate(groups, { rules, cohortRules, latency });
        if (outcome.groups.some(({ decision }) => decision !== "go")) return;
        const whole = outcome.rules.filter(
          ({ cohort, rule, met }) => cohort === null && ratios.test(rule) && !met,
        );
        expect(whole).toEqual([]);
      }),
    );
  });
});

describe("failing fast", () => {
  const lost = (groups: readonly { group: GroupTally; left: number }[], rules: Partial<GateRules>) =>
    lostRule({ groups, rules: { ...RULES_OFF, ...rules }, cohortRules: {} });

  it.each([
    ["a failure that is one too many", { fail: 2 }, 100, { maxFailures: 1 }, "pumps on here: maxFailures"],
    [
      "a ratio that no pass mends",
      { pass: 0, fail: 2 },
      8,
      { minPassRatio: 0.9 },
      "pumps on here: minPassRatio",
    ],
    [
      "a device that got in",
      { unexpectedAccepts: 1 },
      5,
      { maxUnexpectedAccepts: 0 },
      "maxUnexpectedAccepts",
    ],
    ["a derived check that failed", { derivedFailed: 1 }, 5, {}, "derivedFailures"],
  ])("gives up on %s", (_name, tally, left, rules, words) => {
    expect(lost([{ group: group(tally), left }], rules)).toContain(words);
  });

  it.each([
    ["a ratio that the rest may mend", { pass: 0, fail: 1 }, 9, { minPassRatio: 0.9 }],
    [
      "what would be inconclusive",
      { pass: 0, inconclusive: 5 },
      1,
      { maxInconclusiveRatio: 0, minChecks: 100 },
    ],
    ["latency, which the rest may mend", { connectP95Seconds: 9 }, 1, { maxConnectP95Ms: 1 }],
    ["what is not known before the end", {}, 1, { maxNewFailures: 0, requirePolicyUnchanged: true }],
  ])("does not give up on %s", (_name, tally, left, rules) => {
    expect(lost([{ group: group(tally), left }], rules)).toBeNull();
  });

  it("gives up only where every end of the run is a no-go, also the one it makes", () => {
    const split = fc.record({
      left: fc.nat(6),
      passes: fc.nat(6),
      failures: fc.nat(6),
      isStopped: fc.boolean(),
    });
    fc.assert(
      fc.property(
        anyGroups,
        anyRules,
        anyOverrides,
        fc.array(split, { minLength: 3, maxLength: 3 }),
        (...input) => {
          const [groups, rules, cohortRules, ends] = input;
          const unfinished = groups.map((each, at) => ({ group: each, left: ends[at]?.left ?? 0 }));
          if (lostRule({ groups: unfinished, rules, cohortRules }) === null) return;
          const ended = unfinished.map(({ group: each, left }, at) => {
            const { passes = 0, failures = 0, isStopped = false } = ends[at] ?? {};
            const pass = isStopped ? 0 : Math.min(passes, left);
            const fail = isStopped ? 0 : Math.min(failures, left - pass);
            return { ...each, pass: each.pass + pass, fail: each.fail + fail, notRun: left - pass - fail };
          });
          expect(gate(ended, { rules, cohortRules }).decision).toBe("no-go");
        },
      ),
    );
  });
});
