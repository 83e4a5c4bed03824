export const DECISIONS = ["go", "no-go", "inconclusive"] as const;
export type Decision = (typeof DECISIONS)[number];

/** Thresholds; ratios 0..1. `null`: the rule is off. */
export interface GateRules {
  readonly minChecks: number;
  readonly minPassRatio: number;
  readonly maxUnexpectedAccepts: number;
  readonly maxInconclusiveRatio: number;
  readonly minCoverage: number;
  /** How long a decision stays valid. */
  readonly maxAgeMs: number;
}

/** What one cohort of one target (or the whole) came to. */
export interface Tally {
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
