import type { Suite } from "../../src/model/config.ts";
import type { GateRules } from "../../src/model/gate.ts";

/** The rules of a suite that names none. */
export const GATE_RULES: GateRules = {
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
};

/** Rules that anything meets: for a test of one rule alone. */
export const RULES_OFF: GateRules = {
  ...GATE_RULES,
  minChecks: 0,
  minPassRatio: 0,
  maxUnexpectedAccepts: 1e6,
  maxInconclusiveRatio: 1,
  minCoverage: 0,
};

/** A suite as a configuration without any keys has it, but nothing is derived. */
export function suiteOf(changes: Partial<Suite> = {}): Suite {
  return {
    name: "all",
    cohorts: null,
    expected: null,
    authorizer: "every",
    derived: null,
    locations: [],
    deadlineMs: 2 * 3_600_000,
    failFast: false,
    gate: GATE_RULES,
    cohortGates: {},
    ...changes,
  };
}
