import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { DERIVED_KINDS } from "../../src/model/check.ts";
import type { Suite } from "../../src/model/config.ts";
import { PLAN_WARNINGS, type Plan } from "../../src/model/plan.ts";
import { PROTOCOLS, type Profile } from "../../src/model/profile.ts";
import { Secret } from "../../src/model/secret.ts";
import type { Target } from "../../src/model/target.ts";
import { estimatePlan } from "../../src/plan/estimate.ts";
import { profileOf, targetOf } from "../support/fixtures.ts";
import { suiteOf } from "../support/suite.ts";

interface Asked {
  readonly targets?: readonly Target[];
  readonly suite?: Partial<Suite>;
}

function planOf(profiles: readonly Partial<Profile>[], { targets, suite }: Asked = {}): Promise<Plan> {
  return estimatePlan({
    profiles: () =>
      stream(profiles.map((each, index) => profileOf({ authorizer: "a", clientId: `c${index}`, ...each }))),
    targets: targets ?? [targetOf()],
    suite: suiteOf(suite),
    selection: { suite: "all", cohorts: null, devices: null, allowDeviceIdentity: 0 },
  });
}

async function* stream<T>(values: readonly T[]): AsyncGenerator<T> {
  yield* values;
}

function many(count: number, changes: Partial<Profile> = {}): Partial<Profile>[] {
  return Array.from({ length: count }, () => changes);
}

function kindsOf({ warnings }: Plan): string[] {
  return warnings.map(({ kind }) => kind);
}

const NO = { allow: ["a"], deny: ["b"] };
const MANY = { allow: [], deny: Array.from({ length: 20 }, (_, index) => `t${index}`) };

function topics(changes: Partial<Profile["expect"]>): Profile["expect"] {
  return { ...profileOf().expect, ...changes };
}

const HTTPS: Partial<Profile> = { protocols: ["https"], clientId: null, topic: "t" };
const PER_SECOND = 9.8;

describe("what checks cost", () => {
  it.each([
    ["mqtt: a call, a connection, two invocations", {}, [1, 0, 1, 1, 2]],
    ["https: the same", HTTPS, [1, 0, 1, 1, 2]],
    ["identity device: a call and one invocation", { identity: "device" }, [1, 1, 1, 0, 1]],
    ["three protocols: three times", { protocols: ["mqtt", "wss", "https"], topic: "t" }, [3, 0, 3, 3, 6]],
    [
      "topics that are denied: a connection each",
      { expect: topics({ publish: NO, subscribe: NO }) },
      [1, 0, 1, 3, 4],
    ],
    ["ten connections for a check at most", { expect: topics({ publish: MANY }) }, [1, 0, 1, 10, 11]],
    [
      "https: a connection for each publish",
      { ...HTTPS, expect: topics({ publish: { allow: ["a", "b"], deny: ["c"] }, subscribe: NO }) },
      [1, 0, 1, 4, 5],
    ],
    ["no topics of a live device", { identity: "device", expect: topics({ publish: NO }) }, [1, 1, 1, 0, 1]],
  ] as const)("%s", async (_, changes, [checks, guarded, invokes, connects, lambda]) => {
    const plan = await planOf([changes]);
    expect(plan).toMatchObject({
      profiles: 1,
      checks,
      guarded,
      apiCalls: { TestInvokeAuthorizer: invokes },
      connects,
      lambdaInvocations: lambda,
    });
  });

  it("is told by cohort, target and protocol", async () => {
    const targets = [targetOf(), targetOf({ name: "there" })];
    const profiles = [{}, {}, { target: "there" }, { cohort: "valves" }, { protocols: ["wss"] } as const];
    const { groups } = await planOf(profiles, { targets });
    expect(groups.map(({ cohort, target, protocol, checks }) => [cohort, target, protocol, checks])).toEqual([
      ["pumps", "here", "mqtt", 2],
      ["pumps", "there", "mqtt", 1],
      ["valves", "here", "mqtt", 1],
      ["pumps", "here", "wss", 1],
    ]);
  });

  it("counts only what the suite selects", async () => {
    const plan = await planOf([{}, { cohort: "valves" }], { suite: { cohorts: ["valves"] } });
    expect(plan).toMatchObject({ profiles: 1, checks: 1 });
  });

  it.each([
    ["an authorizer that is named", {}, { DescribeAuthorizer: 1 }],
    [
      "a device that names none",
      { authorizer: null },
      { DescribeAuthorizer: 1, DescribeDefaultAuthorizer: 1 },
    ],
    [
      "a raw user name that names one",
      { authorizer: null, username: new Secret("x?x-amz-customauthorizer-name=a") },
      { DescribeAuthorizer: 1 },
    ],
  ])("describes: %s", async (_, profile, calls) => {
    const { apiCalls } = await planOf([profile, profile]);
    const descriptions = { DescribeEndpoint: 1, DescribeDomainConfiguration: 1, ...calls };
    expect(apiCalls).toEqual({ TestInvokeAuthorizer: 2, GetConnection: 2, ...descriptions });
  });

  it("looks up at most ten dedicated client ids of each target", async () => {
    const { apiCalls } = await planOf(many(50));
    expect(apiCalls).toMatchObject({ GetConnection: 10 });
    const others = [{ identity: "device" }, { protocols: ["https"], topic: "t" }] as const;
    expect((await planOf(others)).apiCalls).not.toHaveProperty("GetConnection");
  });

  it("describes each authorizer once", async () => {
    const { apiCalls } = await planOf([{}, { authorizer: "b" }, { authorizer: "b" }, { authorizer: "c" }]);
    expect(apiCalls).toMatchObject({ DescribeAuthorizer: 3 });
  });

  it("asks again what is kept for five minutes only", async () => {
    const { apiCalls } = await planOf(many(1 + 600 * PER_SECOND, { authorizer: null }));
    expect(apiCalls).toMatchObject({ DescribeDefaultAuthorizer: 2 });
  });
});

describe("derived checks", () => {
  const derived = { perCohort: 2, decoys: [], kinds: DERIVED_KINDS };
  const password = { username: new Secret("u"), password: new Secret("p") };
  const signed: Partial<Profile> = {
    token: { kind: "jwt", key: "k", jwt: new Secret("a.b.c") },
  };

  it.each([
    ["a password: wrong, and without SNI or authorizer", password, [3, 1, 3, 4]],
    ["a signed token: signature and token", signed, [4, 2, 4, 6]],
    ["over https neither SNI nor password", { ...HTTPS, ...signed }, [3, 2, 3, 5]],
    ["of a live device: none", { ...password, identity: "device" }, [0, 0, 0, 0]],
    [
      "of a device that must be denied: none",
      { expect: { ...profileOf().expect, access: "deny" } },
      [0, 0, 0, 0],
    ],
    [
      "with a session that lasts: none",
      { ...password, connect: { ...profileOf().connect, cleanSession: false } },
      [0, 0, 0, 0],
    ],
  ] as const)(
    "of one device with %s",
    async (_, profile, [checks, apiCalls, connects, lambdaInvocations]) => {
      const plan = await planOf([profile], { suite: { derived } });
      expect(plan.derived).toEqual({ checks, apiCalls, connects, lambdaInvocations });
      expect(plan).toMatchObject({ checks: 1, apiCalls: { TestInvokeAuthorizer: 1 } });
    },
  );

  it("are bounded for each cohort, target and protocol, and spend the budgets too", async () => {
    const { groups, budgets, derived: all } = await planOf(many(50, password), { suite: { derived } });
    expect(groups[0]?.derived.checks).toBe(6);
    expect(all.checks).toBe(6);
    expect(budgets.map(({ operation, calls }) => [operation, calls])).toEqual([
      ["TestInvokeAuthorizer", 52],
      ["Connect", 56],
    ]);
  });

  it("wait for each other: one client id connects once a second", async () => {
    const { duration } = await planOf([password], { suite: { derived } });
    expect(duration).toEqual({ seconds: (3 * 1050) / 1000, limitedBy: "client-id" });
  });

  it("need decoys to pose as somebody else", async () => {
    const plan = await planOf([password], { suite: { derived: { ...derived, decoys: ["d"] } } });
    expect(plan.derived.checks).toBe(5);
  });
});

describe("the least duration", () => {
  const budgets = (invokesPerSecond: number, connectsPerSecond: number, burst = 1) => ({
    budgets: { invokesPerSecond, connectsPerSecond, burst },
  });

  it.each([
    ["one check waits for nothing", many(1), [targetOf()], 0, null],
    [
      "calls are paced a little below the budget",
      many(99),
      [targetOf()],
      98 / PER_SECOND,
      "TestInvokeAuthorizer",
    ],
    ["the slower budget decides", many(99), [targetOf(budgets(10, 1))], 98 / 0.98, "Connect"],
    [
      "a burst goes first",
      many(60),
      [targetOf(budgets(10, 10, 11))],
      49 / PER_SECOND,
      "TestInvokeAuthorizer",
    ],
    [
      "a guarded check connects to nothing",
      many(99, { identity: "device" }),
      [targetOf(budgets(10, 1))],
      10,
      "TestInvokeAuthorizer",
    ],
    ["one client id connects once in 1.05 s", many(5, { clientId: "same" }), [targetOf()], 4.2, "client-id"],
    ["two protocols of one profile too", [{ protocols: ["mqtt", "wss"] }], [targetOf()], 1.05, "client-id"],
    ["https has no client id", many(3, HTTPS), [targetOf()], 2 / PER_SECOND, "TestInvokeAuthorizer"],
  ] as const)("%s", async (_, profiles, targets, seconds, limitedBy) => {
    const { duration } = await planOf(profiles, { targets });
    expect(duration.limitedBy).toBe(limitedBy);
    expect(duration.seconds).toBeCloseTo(seconds, 6);
  });

  const halves = [...many(50), ...many(50, { target: "there" })];

  it("is shared by targets of one account and Region, at the lower limit of both", async () => {
    const targets = [targetOf(), targetOf({ name: "there", ...budgets(5, 100) })];
    const { duration, budgets: shown } = await planOf(halves, { targets });
    expect(duration.seconds).toBeCloseTo(99 / 4.9, 6);
    expect(shown).toHaveLength(2);
  });

  it("is the longest of different accounts, which are worked through side by side", async () => {
    const targets = [targetOf(), targetOf({ name: "there", region: "us-east-1", ...budgets(5, 100) })];
    const { duration, budgets: shown } = await planOf(halves, { targets });
    expect(duration.seconds).toBeCloseTo(49 / 4.9, 6);
    expect(shown).toHaveLength(4);
  });

  it("does not mix up client ids of different accounts", async () => {
    const targets = [targetOf(), targetOf({ name: "there", region: "us-east-1" })];
    const { duration, warnings } = await planOf([{ clientId: "x" }, { clientId: "x", target: "there" }], {
      targets,
    });
    expect(duration.limitedBy).toBeNull();
    expect(warnings).toEqual([]);
  });
});

describe("the share of AWS's 10 calls a second", () => {
  it.each([
    ["all but the headroom", {}, 0.98],
    ["more than there is", { budgets: { invokesPerSecond: 20, connectsPerSecond: 10, burst: 1 } }, 1.96],
    ["none where something else answers", { controlPlaneEndpoint: "http://127.0.0.1:1" }, null],
  ])("%s", async (_, target, share) => {
    const { budgets } = await planOf([{}], { targets: [targetOf(target)] });
    expect(budgets.map(({ shareOfQuota }) => shareOfQuota)).toEqual([share, null]);
  });
});

describe("warnings", () => {
  const connect = profileOf().connect;
  const will = { topic: "t", payload: "", qos: 0 } as const;

  it.each<[string, Partial<Profile>[], Asked, string[]]>([
    ["a fleet of its own: none", many(3), {}, []],
    ["nothing is selected", [], {}, ["nothing-selected"]],
    ["guarded", many(1, { identity: "device" }), {}, ["device-identity", "coverage"]],
    [
      "guarded, as far as the gate permits",
      [{}, { identity: "device" }],
      { suite: { gate: { ...suiteOf().gate, minCoverage: 0.5 } } },
      ["device-identity"],
    ],
    [
      "guarded, as far as the cohort's gate permits",
      [{}, { identity: "device" }],
      { suite: { cohortGates: { pumps: { minCoverage: 0.5 } } } },
      ["device-identity"],
    ],
    ["fewer than the suite expects", [{}], { suite: { expected: { pumps: 2 } } }, ["coverage"]],
    ["a cohort that the suite expects is absent", [{}], { suite: { expected: { valves: 2 } } }, ["coverage"]],
    ["a shared client id", many(3, { clientId: "x" }), {}, ["shared-client-id"]],
    [
      "a client id that is both dedicated and a device's",
      [{ clientId: "x" }, { clientId: "x", identity: "device" }],
      { suite: { gate: { ...suiteOf().gate, minCoverage: 0 } } },
      ["mixed-identity", "device-identity", "shared-client-id"],
    ],
    [
      "a persistent session",
      many(2, { connect: { ...connect, cleanSession: false } }),
      {},
      ["persistent-session"],
    ],
    [
      "a session that expires later, in MQTT 5",
      [{ mqttVersion: 5, connect: { ...connect, sessionExpirySeconds: 1 } }],
      {},
      ["persistent-session"],
    ],
    ["which 3.1.1 has not", [{ connect: { ...connect, sessionExpirySeconds: 1 } }], {}, []],
    ["a will", [{ connect: { ...connect, will } }], {}, ["will"]],
    [
      "neither where nothing connects",
      [{ ...HTTPS, connect: { ...connect, will, cleanSession: false } }],
      {},
      ["https-publish"],
    ],
    [
      "a budget above AWS's",
      [{}],
      { targets: [targetOf({ budgets: { invokesPerSecond: 11, connectsPerSecond: 10, burst: 1 } })] },
      ["invoke-budget"],
    ],
    [
      "not where something else answers",
      [{}],
      {
        targets: [
          targetOf({
            address: "127.0.0.1",
            budgets: { invokesPerSecond: 11, connectsPerSecond: 10, burst: 1 },
          }),
        ],
      },
      [],
    ],
    ["a deadline that comes too early", many(30), { suite: { deadlineMs: 1000 } }, ["deadline"]],
    ["a narrow concurrency", many(5), { targets: [targetOf({ concurrency: 4 })] }, ["concurrency"]],
    ["which is wide enough for few checks", many(4), { targets: [targetOf({ concurrency: 4 })] }, []],
  ])("%s", async (_, profiles, asked, kinds) => {
    expect(kindsOf(await planOf(profiles, asked))).toEqual(kinds);
  });

  it("count profiles", async () => {
    const { warnings } = await planOf(many(4, { clientId: "x" }));
    expect(warnings).toMatchObject([{ kind: "shared-client-id", count: 3 }]);
  });
});

const PROFILE = fc.record({
  cohort: fc.constantFrom("pumps", "valves"),
  target: fc.constantFrom("here", "there", "far"),
  protocols: fc.subarray([...PROTOCOLS], { minLength: 1 }),
  clientId: fc.constantFrom("a", "b", "c"),
  identity: fc.constantFrom("dedicated" as const, "device" as const),
  authorizer: fc.constantFrom("a", null),
  topic: fc.constant("t"),
});
const BUDGETS = fc.record({
  invokesPerSecond: fc.double({ min: 0.1, max: 100, noNaN: true }),
  connectsPerSecond: fc.double({ min: 0.1, max: 100, noNaN: true }),
  burst: fc.integer({ min: 1, max: 20 }),
});

/** All numbers of a plan that add up or wait. */
function numbers(plan: Plan): number[] {
  const { profiles, checks, guarded, apiCalls, connects, lambdaInvocations, duration } = plan;
  const { TestInvokeAuthorizer = 0 } = apiCalls;
  return [profiles, checks, guarded, TestInvokeAuthorizer, connects, lambdaInvocations, duration.seconds];
}

it("property: nothing is negative, parts sum to the whole, and one more profile never costs less", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(PROFILE, { maxLength: 30 }),
      PROFILE,
      fc.tuple(BUDGETS, BUDGETS, BUDGETS),
      async (profiles, another, [here, there, far]) => {
        const targets = [
          targetOf({ budgets: here }),
          targetOf({ name: "there", budgets: there }),
          targetOf({ name: "far", region: "us-east-1", budgets: far }),
        ];
        const less = await planOf(profiles, { targets });
        const more = await planOf([...profiles, another], { targets });
        for (const [index, number] of numbers(less).entries()) {
          expect(number).toBeGreaterThanOrEqual(0);
          expect(numbers(more)[index]).toBeGreaterThanOrEqual(number);
        }
        expect(less.checks).toBe(profiles.reduce((all, { protocols }) => all + protocols.length, 0));
        expect(less.lambdaInvocations).toBe(2 * less.checks - less.guarded);
        expect(less.connects).toBe(less.checks - less.guarded);
        expect(less.groups.reduce((all, { checks }) => all + checks, 0)).toBe(less.checks);
      },
    ),
  );
});

it("tells a deadline as it is written, and that topics do not make up for devices that are left alone", async () => {
  const early = await planOf(many(30_000, { clientId: "same" }));
  expect(early.warnings.find(({ kind }) => kind === "deadline")?.message).toMatch(/deadline of 2h /);
  const half = await planOf([{ expect: topics({ publish: MANY }) }, { identity: "device" }]);
  expect(kindsOf(half)).toContain("coverage");
});

it("every warning has one row in the documentation, and no other has", async () => {
  const text = await readFile(resolve(import.meta.dirname, "../../docs/plan-and-lint.md"), "utf8");
  const [, section = ""] = text.split("| Warning |");
  const rows = [...section.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, kind]) => kind ?? "");
  expect(rows.sort()).toEqual([...PLAN_WARNINGS].sort());
});
