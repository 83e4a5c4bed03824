import type { AskedTally, GroupSample, SampleBound } from "./sample.ts";

export const DECISIONS = ["go", "no-go", "inconclusive"] as const;
export type Decision = (typeof DECISIONS)[number];

/** Thresholds; ratios 0..1. `null`: the rule is off. */
export interface GateRules {
  readonly minChecks: number;
  readonly minPassRatio: number;
  readonly maxUnexpectedAccepts: number;
  readonly maxInconclusiveRatio: number;
  readonly minCoverage: number;
  readonly maxFailures: number | null;
  /** 95th percentile of the time until the gateway answered. */
  readonly maxConnectP95Ms: number | null;
  readonly maxAuthorizerP95Ms: number | null;
  /** Checks that fail and did not fail in the last go run of the suite. */
  readonly maxNewFailures: number | null;
  /** Each device's policy, principalId, refresh and disconnect times are those of the last go run. */
  readonly requirePolicyUnchanged: boolean;
  /** How long a decision stays valid. */
  readonly maxAgeMs: number;
}

/** 95th percentiles of checks as they are, in seconds; null: nothing was timed. */
export interface LatencyTally {
  /** Of connections that the gateway accepted or refused, up to its answer. */
  readonly connectP95Seconds: number | null;
  readonly authorizerP95Seconds: number | null;
}

/** Against the last go run of the suite; null: there is none, or nothing to compare. */
export interface ComparedTally {
  readonly newFailures: number | null;
  readonly policyChanges: number | null;
}

/** What one cohort of one target (or the whole) came to. */
export interface Tally extends LatencyTally, ComparedTally {
  readonly pass: number;
  readonly fail: number;
  readonly inconclusive: number;
  readonly skipped: number;
  readonly notRun: number;
  readonly unexpectedAccepts: number;
  readonly invalid: number;
  /** Checks that should have been done. */
  readonly expected: number;
  readonly derived: number;
  readonly derivedFailed: number;
  /** What the checks were drawn from; omitted: every device is tested. */
  readonly sample?: GroupSample;
  /** Omitted: the suite does not ask the authorizer about a sample. */
  readonly asked?: AskedTally;
}

/** One cohort × target. */
export interface GroupTally extends Tally {
  readonly target: string;
  readonly cohort: string;
}

export interface RuleResult {
  readonly rule: string;
  /** Both null: the whole run. */
  readonly target: string | null;
  readonly cohort: string | null;
  readonly threshold: number;
  /** null: could not be computed (a ratio of nothing). */
  readonly observed: number | null;
  /** Of a sample: what was seen in it, where `observed` is the bound that holds for all. */
  readonly inSample?: number;
  readonly met: boolean;
  /** What an unmet rule makes of the decision. */
  readonly unmetMeans: "no-go" | "inconclusive";
}

export interface GateOutcome {
  readonly decision: Decision;
  readonly rules: readonly RuleResult[];
  /** One line for people: why it is not go. */
  readonly reason: string;
  readonly groups: readonly {
    readonly target: string;
    readonly cohort: string;
    readonly decision: Decision;
  }[];
  /** Nothing was selected (exit code 5). */
  readonly nothingSelected: boolean;
  /** Of what was drawn: which failure rate is excluded; omitted: every device was tested. */
  readonly bounds?: readonly SampleBound[];
  /** Where the authorizer was asked about a sample: which rate of disagreement with the gateway is excluded. */
  readonly disagreement?: readonly SampleBound[];
}

export interface Counts {
  /** Checks the plan held, derived ones left out. */
  readonly planned: number;
  /** pass + fail + inconclusive + skipped. */
  readonly checks: number;
  readonly pass: number;
  readonly fail: number;
  readonly inconclusive: number;
  readonly skipped: number;
  readonly notRun: number;
  readonly derived: number;
  readonly invalidProfiles: number;
}
