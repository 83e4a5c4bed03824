import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Check } from "../../src/model/check.ts";
import type { Profile } from "../../src/model/profile.ts";
import type { SampleSize } from "../../src/model/sample.ts";
import { allocate } from "../../src/plan/allocate.ts";
import { isAskedAfterwards, isAskedFirst } from "../../src/plan/ask.ts";
import { preparePlan } from "../../src/plan/prepare.ts";
import { ACCEPTED, GUARDED, profileOf, REFUSED, targetOf, unreachable } from "../support/fixtures.ts";
import { suiteOf } from "../support/suite.ts";

describe("shares of a sample", () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1, maxLength: 30 });

  it("come to what was asked for, unless that is less than one each", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 1_000_000 }), (of, total) => {
        const shares = allocate(of, total);
        const drawn = sum(shares);
        const all = sum(of);
        expect(shares.every((share, at) => share >= 1 && share <= (of[at] ?? 0))).toBe(true);
        if (total >= all) expect(drawn).toBe(all);
        else expect(drawn).toBeGreaterThanOrEqual(total);
        // Only those that would have got none add to it.
        const raised = of.filter((size) => (total * size) / all < 1).length;
        expect(drawn).toBeLessThanOrEqual(Math.min(total, all) + raised);
      }),
    );
  });

  it("are within one of the proportion, or one", () => {
    fc.assert(
      fc.property(sizes, fc.integer({ min: 1, max: 1_000_000 }), (of, total) => {
        const all = sum(of);
        const ofAll = Math.min(total, all) / all;
        for (const [at, share] of allocate(of, total).entries()) {
          const exact = (of[at] ?? 0) * ofAll;
          expect(share === 1 || Math.abs(share - exact) < 1 + 1e-9).toBe(true);
        }
      }),
    );
  });
});

const TARGETS = [targetOf({ budgets: { invokesPerSecond: 10, connectsPerSecond: 10, burst: 1 } })];
const FLEET = [
  ...devices("pumps", 300, {}),
  ...devices("valves", 60, { protocols: ["mqtt", "wss"] }),
  ...devices("meters", 2, {}),
];

function devices(cohort: string, many: number, changes: Partial<Profile>): Profile[] {
  return Array.from({ length: many }, (_, at) => {
    const id = `${cohort}-${at}`;
    return profileOf({ id, cohort, clientId: id, authorizer: "a", ...changes });
  });
}

interface Drawing {
  readonly fleet?: readonly Profile[];
  readonly seed?: string;
  readonly authorizer?: "every" | "sample" | "on-disagreement";
}

async function draw(
  sample: SampleSize | undefined,
  { fleet = FLEET, seed = "seed", authorizer = "every" }: Drawing = {},
) {
  async function* profiles(): AsyncGenerator<Profile> {
    yield* fleet;
  }
  const groups = [...Map.groupBy(fleet, ({ cohort }) => cohort)].map(([cohort, own]) => {
    return {
      target: own[0]?.target ?? "",
      cohort,
      checks: sum(own.map(({ protocols }) => protocols.length)),
    };
  });
  const sources = { profiles, groups, invalid: 0, checksum: "sum" };
  const selection = {
    suite: "all",
    cohorts: null,
    devices: null,
    allowDeviceIdentity: 0,
    ...(sample && { sample }),
  };
  const plan = await preparePlan(sources, suiteOf({ authorizer }), selection, { seed, targets: TARGETS });
  const checks: Check[] = [];
  for await (const check of plan.checks) checks.push(check);
  const of = (cohort: string) =>
    new Set(checks.filter(({ profile }) => profile.cohort === cohort).map(({ profile }) => profile.id));
  return { plan, checks, of, ids: checks.map(({ profile }) => profile.id) };
}

const TENTH: SampleSize = { kind: "percent", percent: 10 };

describe("a drawn plan", () => {
  it("holds each cohort's share, with all checks of a device, and counts them beforehand", async () => {
    const { plan, checks, of } = await draw(TENTH);
    expect(["pumps", "valves", "meters"].map((cohort) => of(cohort).size)).toEqual([30, 6, 1]);
    expect(checks).toHaveLength(30 + 12 + 1);
    expect(checks.map(({ seq }) => seq)).toEqual(checks.map((_, at) => at));
    expect(plan.groups).toContainEqual({
      target: "here",
      cohort: "valves",
      checks: 12,
      sample: { devices: 6, ofDevices: 60, checks: 12, ofChecks: 120 },
    });
    expect(plan.sample).toEqual({ size: TENTH, seed: "seed", devices: 37, ofDevices: 362 });
  });

  it("is the same for a seed, in whatever order devices are read, and another for another seed", async () => {
    const { ids } = await draw(TENTH);
    expect((await draw(TENTH)).ids).toEqual(ids);
    expect((await draw(TENTH, { fleet: FLEET.toReversed() })).ids.sort()).toEqual(ids.toSorted());
    expect((await draw(TENTH, { seed: "other" })).ids).not.toEqual(ids);
  });

  it("is a part of every larger sample with the same seed", async () => {
    const { ids } = await draw({ kind: "percent", percent: 50 });
    expect(ids).toEqual(expect.arrayContaining((await draw(TENTH)).ids));
  });

  it("draws every device of a cohort equally often", async () => {
    const fleet = devices("pumps", 20, {});
    const drawn = new Map(fleet.map(({ id }) => [id, 0]));
    for (let round = 0; round < 500; round += 1) {
      const { ids } = await draw({ kind: "devices", devices: 5 }, { fleet, seed: `seed ${round}` });
      expect(ids).toHaveLength(5);
      for (const id of ids) drawn.set(id, (drawn.get(id) ?? 0) + 1);
    }
    // 125 expected of each; the seeds are fixed, so this is no matter of chance.
    expect(Math.min(...drawn.values())).toBeGreaterThan(90);
    expect(Math.max(...drawn.values())).toBeLessThan(160);
  });

  it("draws what the budgets let through in nine tenths of the time, and not one more", async () => {
    // Ten a second, 98 % of that used: 882 calls and connections in 90 of 100 s, after a first one.
    const fleet = devices("pumps", 5_000, {});
    const { checks, plan } = await draw({ kind: "within", withinMs: 100_000 }, { fleet });
    expect(checks.length).toBeLessThanOrEqual(883);
    expect(checks.length).toBeGreaterThan(870);
    expect(plan.remarks).toEqual([]);
    const authorizer = "on-disagreement";
    expect((await draw({ kind: "within", withinMs: 3_600_000 }, { fleet, authorizer })).checks).toHaveLength(
      5_000,
    );
  });

  it("says so where the time is too short for one device of each cohort", async () => {
    const { plan, ids } = await draw({ kind: "within", withinMs: 10 });
    expect(new Set(ids).size).toBe(3);
    expect(plan.remarks).toEqual([expect.stringContaining("one of each was drawn")]);
  });

  it("is empty where nothing is selected", async () => {
    const { plan, checks } = await draw(TENTH, { fleet: [] });
    expect(checks).toEqual([]);
    expect(plan.groups).toEqual([]);
  });
});

describe("whom the authorizer is asked about", () => {
  it("is everybody, a sample of each cohort, or those the gateway disagrees on", async () => {
    const asked = (checks: readonly Check[], when: Check["asks"]) =>
      checks.filter(({ asks }) => asks === when).length;
    const every = await draw(undefined);
    expect(asked(every.checks, undefined)).toBe(every.checks.length);
    const some = await draw(undefined, { authorizer: "sample" });
    expect(some.checks).toHaveLength(every.checks.length);
    expect(asked(some.checks, undefined)).toBe(63 + 2 * 40 + 2);
    expect(asked(some.checks, "never")).toBe(every.checks.length - 145);
    expect(some.plan.sample).toBeNull();
    expect(some.plan.groups[0]).toEqual({
      ...{ target: "here", cohort: "pumps", checks: 300 },
      asked: { devices: 63, ofDevices: 300, checks: 63, ofChecks: 300 },
    });
    const later = await draw(undefined, { authorizer: "on-disagreement" });
    expect(asked(later.checks, "on-disagreement")).toBe(every.checks.length);
  });

  const check = (
    asks: Check["asks"],
    changes: Partial<Profile> = {},
    expectation: Check["expectation"] = "allow",
  ) => ({
    ...{ seq: 0, protocol: "mqtt" as const, derived: null, guardLifted: false },
    ...{ profile: profileOf(changes), expectation, ...(asks && { asks }) },
  });
  const expects = (changes: object) => ({ expect: { ...profileOf({}).expect, ...changes } });

  it.each([
    ["is asked about everybody unless told otherwise", check(undefined), true],
    ["is not asked about a device that has to get in", check("never"), false],
    ["is asked about one that has to stay out", check("never", {}, "deny"), true],
    ["is asked for its principalId", check("never", expects({ principalId: "p" })), true],
    ["is asked for its times", check("on-disagreement", expects({ refreshAfterSeconds: [300, 400] })), true],
    ["is asked for a preset, which is only predicted", check("never", expects({ preset: "shadow" })), true],
  ] as const)("the authorizer %s", (_, of, isAsked) => {
    expect(isAskedFirst(of)).toBe(isAsked);
  });

  const topic = (expected: "allow" | "deny", answer: "allowed" | "denied" | "unanswered") => [
    { test: { action: "publish" as const, topic: "t", expected }, answer },
  ];

  it.each([
    ["got in", "on-disagreement", ACCEPTED, [], false],
    ["got in, topics as expected", "on-disagreement", ACCEPTED, topic("deny", "denied"), false],
    ["was denied a topic", "on-disagreement", ACCEPTED, topic("allow", "denied"), true],
    ["was allowed too much", "on-disagreement", ACCEPTED, topic("deny", "allowed"), true],
    ["was refused", "on-disagreement", REFUSED, [], true],
    ["was not reached", "on-disagreement", unreachable(), [], false],
    ["was left alone", "on-disagreement", GUARDED, [], true],
    ["was left alone", "never", GUARDED, [], true],
    ["was refused outside the sample", "never", REFUSED, [], false],
  ] as const)("after a device that %s (%s) it is asked: %#", (_, asks, outcome, answers, isAsked) => {
    expect(isAskedAfterwards(check(asks), outcome, answers)).toBe(isAsked);
  });
});

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
