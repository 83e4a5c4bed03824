import type { GateRules, RuleResult, Tally } from "../model/gate.ts";
import type { Bounded, Bounds } from "./bound.ts";

/** One gate rule: what it measures on a tally and how that compares with the threshold. */
interface Rule {
  readonly name: string;
  /** null: the rule is off. */
  readonly threshold: (rules: GateRules) => number | null;
  /** null: there is nothing to measure. */
  readonly observe: (tally: Tally) => number | null;
  readonly met: (observed: number, threshold: number) => boolean;
  /** What a sample says of it about all; omitted: it is about what was tested. */
  readonly bounded?: (bounds: Bounds) => Bounded;
  readonly unmetMeans: "no-go" | "inconclusive";
  /** Is a rule met that cannot be measured? `met`: only where another rule notices that there is nothing. */
  readonly withNothing: "met" | "unmet" | "met-at-zero";
}

const atLeast = (observed: number, threshold: number) => observed >= threshold;
const atMost = (observed: number, threshold: number) => observed <= threshold;
const seconds = (ms: number | null) => (ms === null ? null : ms / 1000);

/** pass + fail + inconclusive: what was really tried at the gateway. */
function tested({ pass, fail, inconclusive }: Tally): number {
  return pass + fail + inconclusive;
}

function ratio(part: number, whole: number): number | null {
  return whole === 0 ? null : part / whole;
}

/** The gate's formulas (design 6.8). */
const RULES: readonly Rule[] = [
  {
    name: "minChecks",
    threshold: ({ minChecks }) => minChecks,
    observe: tested,
    met: atLeast,
    unmetMeans: "inconclusive",
    withNothing: "unmet",
  },
  {
    name: "minPassRatio",
    threshold: ({ minPassRatio }) => minPassRatio,
    observe: ({ pass, fail }) => ratio(pass, pass + fail),
    bounded: ({ passRatio }) => passRatio,
    met: atLeast,
    unmetMeans: "no-go",
    withNothing: "met-at-zero",
  },
  {
    name: "maxFailures",
    threshold: ({ maxFailures }) => maxFailures,
    observe: ({ fail }) => fail,
    bounded: ({ failures }) => failures,
    met: atMost,
    unmetMeans: "no-go",
    withNothing: "unmet",
  },
  {
    name: "maxUnexpectedAccepts",
    threshold: ({ maxUnexpectedAccepts }) => maxUnexpectedAccepts,
    observe: ({ unexpectedAccepts }) => unexpectedAccepts,
    met: atMost,
    unmetMeans: "no-go",
    withNothing: "met",
  },
  {
    name: "maxInconclusiveRatio",
    threshold: ({ maxInconclusiveRatio }) => maxInconclusiveRatio,
    observe: (tally) => {
      const checks = tested(tally) + tally.skipped;
      return ratio(tally.inconclusive + tally.invalid, checks + tally.invalid);
    },
    met: atMost,
    unmetMeans: "inconclusive",
    withNothing: "met",
  },
  {
    name: "maxConnectP95",
    threshold: ({ maxConnectP95Ms }) => seconds(maxConnectP95Ms),
    observe: ({ connectP95Seconds }) => connectP95Seconds,
    met: atMost,
    unmetMeans: "no-go",
    withNothing: "unmet",
  },
  {
    name: "maxAuthorizerP95",
    threshold: ({ maxAuthorizerP95Ms }) => seconds(maxAuthorizerP95Ms),
    observe: ({ authorizerP95Seconds }) => authorizerP95Seconds,
    met: atMost,
    unmetMeans: "no-go",
    withNothing: "unmet",
  },
  {
    name: "maxNewFailures",
    threshold: ({ maxNewFailures }) => maxNewFailures,
    observe: ({ newFailures }) => newFailures,
    met: atMost,
    unmetMeans: "no-go",
    withNothing: "unmet",
  },
  {
    name: "requirePolicyUnchanged",
    threshold: ({ requirePolicyUnchanged }) => (requirePolicyUnchanged ? 0 : null),
    observe: ({ policyChanges }) => policyChanges,
    met: atMost,
    unmetMeans: "no-go",
    withNothing: "unmet",
  },
  {
    name: "minCoverage",
    threshold: ({ minCoverage }) => minCoverage,
    observe: (tally) => ratio(tested(tally), tally.expected),
    met: atLeast,
    unmetMeans: "inconclusive",
    withNothing: "met",
  },
  {
    name: "notRun",
    threshold: () => 0,
    observe: ({ notRun }) => notRun,
    met: atMost,
    unmetMeans: "inconclusive",
    withNothing: "met",
  },
  {
    name: "derivedFailures",
    threshold: () => 0,
    observe: ({ derivedFailed }) => derivedFailed,
    met: atMost,
    unmetMeans: "no-go",
    withNothing: "met",
  },
];

/** Where a tally was taken; both null: the whole run. */
export interface Where {
  readonly target: string | null;
  readonly cohort: string | null;
}

/** Every rule that is on, on one tally; `bounds`: where it was drawn, what that says of all. */
export function evaluateRules(
  tally: Tally,
  rules: GateRules,
  where: Where,
  bounds: Bounds | null,
): RuleResult[] {
  return RULES.flatMap((rule) => {
    const threshold = rule.threshold(rules);
    if (threshold === null) return [];
    const bounded = bounds === null ? null : (rule.bounded?.(bounds) ?? null);
    const result =
      bounded === null ? evaluateRule(rule, tally, threshold) : evaluateBounded(rule, bounded, threshold);
    return [{ rule: rule.name, ...where, threshold, ...result }];
  });
}

type Evaluated = Pick<RuleResult, "observed" | "met" | "unmetMeans" | "inSample">;

function evaluateRule(rule: Rule, tally: Tally, threshold: number): Evaluated {
  const observed = rule.observe(tally);
  return {
    observed,
    met: observed === null ? isMetWithNothing(rule, threshold) : rule.met(observed, threshold),
    // What could not be measured proves nothing either way.
    unmetMeans: observed === null ? "inconclusive" : rule.unmetMeans,
  };
}

/** Met where that holds for all; what the sample only fails to show is inconclusive. */
function evaluateBounded(rule: Rule, { inSample, estimate, bound }: Bounded, threshold: number): Evaluated {
  return {
    observed: bound,
    inSample,
    met: rule.met(bound, threshold),
    unmetMeans: rule.met(estimate, threshold) ? "inconclusive" : rule.unmetMeans,
  };
}

function isMetWithNothing({ withNothing }: Rule, threshold: number): boolean {
  return withNothing === "met" || (withNothing === "met-at-zero" && threshold === 0);
}
