import { describe, expect, it } from "vitest";
import { judgedCheck } from "../../src/lib/words.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import type { Target } from "../../src/model/target.ts";
import { sampleSummary } from "../report/sample.ts";
import { checkOf, REFUSED, targetOf } from "../support/fixtures.ts";
import { acceptedOver, judged, resultOf } from "../support/results.ts";
import { onlyValue, readPage, samplesOf, sumOf } from "./page-reader.ts";

const HERE = { target: "here", cohort: "pumps", profiles: 12 };
const targets = [targetOf()];

function metrics(cohortLimit = 50) {
  return createMetrics({ version: "1", location: "local", cohortLimit });
}

describe("the fleet", () => {
  it("starts the counters of what is configured at zero", async () => {
    const made = metrics();
    await made.setFleet({ groups: [HERE], invalid: 0, suites: [], targets });
    const { body } = await made.ownPage();
    const place = { target: "here", cohort: "pumps", protocol: "wss", location: "local" };
    expect(onlyValue(body, "checks_total", { ...place, expectation: "deny", verdict: "fail" })).toBe(0);
    expect(onlyValue(body, "check_failures_total", { ...place, cause: "UNEXPECTED_ACCEPT" })).toBe(0);
    expect(samplesOf(body, "check_failures_total")).toHaveLength(3);
    const cell = {
      target: "here",
      protocol: "https",
      authorizer_answer: "denied",
      gateway_outcome: "accepted",
    };
    expect(onlyValue(body, "agreement_total", cell)).toBe(0);
  });

  it("starts what suites count at zero, and leaves a run that is under way as it is", async () => {
    const made = metrics();
    const set = () =>
      made.setFleet({ groups: [HERE], invalid: 0, suites: [{ name: "night", cohorts: [] }], targets });
    await set();
    const { body } = await made.ownPage();
    expect(onlyValue(body, "run_in_progress", { suite: "night" })).toBe(0);
    const decisions = samplesOf(body, "runs_total", { suite: "night" });
    expect(decisions.map(({ labels, value }) => [labels.decision, value])).toEqual(
      ["go", "no-go", "inconclusive", "none"].map((decision) => [decision, 0]),
    );
    made.runStarted("night");
    await set();
    expect(onlyValue((await made.ownPage()).body, "run_in_progress", { suite: "night" })).toBe(1);
  });

  it("set again leaves what was counted", async () => {
    const made = metrics();
    await made.setFleet({ groups: [HERE], invalid: 0, suites: [], targets });
    made.record(judgedCheck(resultOf()));
    await made.setFleet({ groups: [HERE], invalid: 3, suites: [], targets });
    const { body } = await made.ownPage();
    expect(sumOf(body, "checks_total")).toBe(1);
    expect(onlyValue(body, "profiles")).toBe(12);
    expect(onlyValue(body, "profiles_invalid")).toBe(3);
  });

  it("adds up the profiles of cohorts beyond the limit", async () => {
    const made = metrics(2);
    const groups = ["a", "b", "c", "d"].map((cohort, at) => ({ target: "here", cohort, profiles: at + 1 }));
    await made.setFleet({ groups, invalid: 0, suites: [], targets });
    const { body } = await made.ownPage();
    expect(samplesOf(body, "profiles").map(({ labels, value }) => [labels.cohort, value])).toEqual([
      ["a", 1],
      ["b", 2],
      ["_overflow", 7],
    ]);
  });

  it("describes each target and its budgets", async () => {
    const made = metrics();
    const budgets = { invokesPerSecond: 5, connectsPerSecond: 20, burst: 1 };
    const local: Target = targetOf({ name: "lab", address: "127.0.0.1", budgets });
    await made.setFleet({
      groups: [],
      invalid: 0,
      suites: [],
      targets: [...targets, local, { ...local, name: "new", endpoint: null }],
    });
    const { body } = await made.ownPage();
    expect(samplesOf(body, "target_info").map(({ labels }) => labels)).toEqual([
      {
        target: "here",
        aws_account: "123456789012",
        aws_region: "eu-west-1",
        endpoint: "a1-ats.iot.eu-west-1.amazonaws.com",
        realm: "aws",
      },
      expect.objectContaining({ target: "lab", realm: "custom" }),
      expect.objectContaining({ target: "new", endpoint: "" }),
    ]);
  });

  it("names the realm that a target's answers showed, until the target leaves", async () => {
    const made = metrics();
    const lab: Target = targetOf({ name: "lab", address: "127.0.0.1" });
    const realms = async () =>
      samplesOf((await made.ownPage()).body, "target_info").map(({ labels }) => [
        labels.target,
        labels.realm,
      ]);
    await made.setFleet({ groups: [], invalid: 0, suites: [], targets: [lab] });
    made.targetRealm("lab", "emulator");
    expect(await realms()).toEqual([["lab", "emulator"]]);
    await made.setFleet({ groups: [], invalid: 0, suites: [], targets: [lab] });
    expect(await realms()).toEqual([["lab", "emulator"]]);
    await made.setFleet({ groups: [], invalid: 0, suites: [], targets: [] });
    await made.setFleet({ groups: [], invalid: 0, suites: [], targets: [lab] });
    expect(await realms()).toEqual([["lab", "custom"]]);
  });

  it("shows the budget that holds: the lowest of the targets that share it", async () => {
    const made = metrics();
    const budgets = { invokesPerSecond: 5, connectsPerSecond: 20, burst: 1 };
    const elsewhere = targetOf({ name: "lab", region: "eu-central-1", budgets });
    await made.setFleet({
      groups: [],
      invalid: 0,
      suites: [],
      targets: [...targets, targetOf({ name: "twin", budgets }), elsewhere],
    });
    const { body } = await made.ownPage();
    const limits = (target: string) =>
      ["TestInvokeAuthorizer", "Connect"].map((operation) =>
        onlyValue(body, "budget_limit", { target, operation }),
      );
    expect([limits("here"), limits("twin"), limits("lab")]).toEqual([
      [5, 10],
      [5, 10],
      [5, 20],
    ]);

    made.accountLimits("twin", { invokesPerSecond: null, connectsPerSecond: 3 });
    const after = (await made.ownPage()).body;
    expect(onlyValue(after, "budget_limit", { target: "here", operation: "Connect" })).toBe(3);
    expect(onlyValue(after, "budget_limit", { target: "lab", operation: "Connect" })).toBe(20);
  });

  it("removes every series of a target that left, and keeps the others'", async () => {
    const made = metrics();
    const gone = targetOf({ name: "gone" });
    await made.setFleet({
      groups: [HERE, { ...HERE, target: "gone" }],
      invalid: 0,
      suites: [],
      targets: [...targets, gone],
    });
    for (const target of ["here", "gone"]) {
      made.record(
        judgedCheck(
          resultOf({ check: checkOf({}, { target }), outcome: acceptedOver({ certificateExpiresAtMs: 1 }) }),
        ),
      );
      made.record(
        judgedCheck(
          resultOf({
            check: checkOf({}, { target }),
            outcome: REFUSED,
            verdict: judged("fail", "CREDENTIAL_REJECTED"),
          }),
        ),
      );
      made.awsRequest({ target, operation: "TestInvokeAuthorizer", code: "ok" });
      made.budgetUsed({ target, operation: "TestInvokeAuthorizer" });
    }
    const before = readPage((await made.ownPage()).body);
    await made.setFleet({ groups: [HERE], invalid: 0, suites: [], targets });
    const after = readPage((await made.ownPage()).body);
    expect(before.some(({ labels }) => labels.target === "gone")).toBe(true);
    expect(after.filter(({ labels }) => labels.target === "gone")).toEqual([]);
    const ofHere = before.filter(({ labels }) => labels.target === "here");
    expect(after.filter(({ labels }) => labels.target === "here")).toEqual(ofHere);
  });

  it("gives the place of a cohort that left to a new one", async () => {
    const made = metrics(1);
    await made.setFleet({ groups: [HERE], invalid: 0, suites: [], targets });
    made.record(judgedCheck(resultOf()));
    made.credentialFailure({ cohort: "pumps" });
    await made.setFleet({ groups: [{ ...HERE, cohort: "valves" }], invalid: 0, suites: [], targets });
    made.record(judgedCheck(resultOf({ check: checkOf({}, { cohort: "valves" }) })));
    const { body } = await made.ownPage();
    expect(body).not.toContain('cohort="pumps"');
    expect(sumOf(body, "checks_total", { cohort: "valves" })).toBe(1);
  });

  it("takes what a suite showed with the suite, and what its cohorts showed with them", async () => {
    const made = metrics();
    const target = sampleSummary.groups[0]?.target ?? "";
    const suite = (name: string, cohorts: readonly string[] = []) => ({ name, cohorts });
    const set = (cohorts: readonly string[], suites: readonly ReturnType<typeof suite>[]) =>
      made.setFleet({
        groups: cohorts.map((cohort) => ({ target, cohort, profiles: 1 })),
        ...{ invalid: 0, targets: [targetOf({ name: target })], suites },
      });
    await set(["pumps", "valves"], [suite("all"), suite("night")]);
    const meaning = { maxAgeMs: 1000, isPartial: false };
    for (const name of ["all", "night"]) made.runFinished({ ...sampleSummary, suite: name }, meaning);
    made.overridden("night");
    const shown = async (metric: string, label: string) =>
      new Set(samplesOf((await made.ownPage()).body, metric).map(({ labels }) => labels[label]));
    const before = await shown("gate_state", "cohort");
    expect(before.size).toBeGreaterThan(1);

    await set([], [suite("all")]);
    expect(await shown("gate_state", "suite")).toEqual(new Set(["all"]));
    expect(await shown("gate_state", "cohort")).toEqual(new Set([""]));
    expect(await shown("overrides_total", "suite")).toEqual(new Set(["all"]));
    expect(await shown("last_run_timestamp_seconds", "suite")).toEqual(new Set(["all"]));

    made.runFinished({ ...sampleSummary, suite: "all" }, meaning);
    await set([], [suite("all", [...before].map(String))]);
    expect((await shown("gate_state", "cohort")).size).toBeGreaterThan(1);
  });
});
