import { expect, test } from "vitest";
import type { Plan } from "../../src/model/plan.ts";
import { planText } from "../../src/report/plan.ts";

const DERIVED = { checks: 3, apiCalls: 1, connects: 3, lambdaInvocations: 4 };

const PLAN: Plan = {
  suite: "pre-rollout",
  profiles: 1200,
  checks: 1250,
  guarded: 50,
  apiCalls: { TestInvokeAuthorizer: 1250, DescribeEndpoint: 1 },
  connects: 1200,
  lambdaInvocations: 2450,
  derived: DERIVED,
  duration: { seconds: 127.4, limitedBy: "TestInvokeAuthorizer" },
  authorizer: "every",
  groups: [
    {
      target: "eu-prod",
      cohort: "pumps",
      protocol: "mqtt",
      checks: 1250,
      guarded: 50,
      apiCalls: 1250,
      connects: 1200,
      lambdaInvocations: 2450,
      derived: DERIVED,
    },
  ],
  budgets: [
    {
      partition: "aws",
      accountId: "123456789012",
      region: "eu-west-1",
      operation: "TestInvokeAuthorizer",
      calls: 1250,
      perSecond: 9.8,
      shareOfQuota: 0.98,
      leastSeconds: 127.4,
    },
  ],
  warnings: [{ kind: "will", count: 3, message: "a will is\nset" }],
};

test("a plan shows what a run costs, how long it takes at least, and what to mind", () => {
  const text = planText(PLAN, { color: false, width: 100 });
  expect(text).toContain("Plan of pre-rollout");
  expect(text).toContain("1,250 checks of 1,200 profiles");
  expect(text.replace(/\n\s+/g, " ")).toContain(
    "at most 1,250 TestInvokeAuthorizer calls, 1,200 gateway connections, 2,450 Lambda invocations",
  );
  expect(text.replace(/\n\s+/g, " ")).toContain(
    "derived checks come on top: at most 3, with 1 call, 3 connections and 4 Lambda invocations",
  );
  expect(text).toContain("tried again with one thing changed");
  expect(text).toContain("about 1 DescribeEndpoint call");
  expect(text).toContain("at least 2 min 07 s, by the budget for TestInvokeAuthorizer");
  expect(text).toMatch(/pumps +eu-prod +mqtt +1,250 +50 +1,250 +1,200 +2,450/);
  expect(text).toMatch(/123456789012 +eu-west-1 +invokes +1,250 +9.8 +98 % +2 min 07 s/);
  expect(text).toContain("- will (3): a will is\\u{a}set");
});

test("rows beyond a screenful are counted", () => {
  const [group] = PLAN.groups;
  if (group === undefined) throw new Error("no group");
  const groups = Array.from({ length: 60 }, (_, index) => ({ ...group, cohort: `c${index}` }));
  const text = planText({ ...PLAN, groups }, { color: false, width: 80 });
  expect(text).toContain("and 20 more");
  expect(text.split("\n").every((line) => line.length <= 80)).toBe(true);
});
