import type { Suite } from "../../src/model/config.ts";

const SUITE: Suite = {
  name: "all",
  cohorts: null,
  expected: null,
  authorizer: "every",
  derived: null,
  locations: [],
  deadlineMs: 2 * 3_600_000,
  failFast: false,
  gate: {
    minChecks: 1,
    minPassRatio: 1,
    maxUnexpectedAccepts: 0,
    maxInconclusiveRatio: 0,
    minCoverage: 1,
    maxFailures: null,
    maxConnectP95Ms: null,
    maxAuthorizerP95Ms: null,
    maxNewFailures: null,
    requirePolicyUnchanged: false,
    maxAgeMs: 900_000,
  },
  cohortGates: {},
};

/** A suite as a configuration without any keys has it, but nothing is derived. */
export function suiteOf(changes: Partial<Suite> = {}): Suite {
  return { ...SUITE, ...changes };
}
