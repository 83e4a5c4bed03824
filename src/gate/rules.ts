import type { GateRules, RuleResult, Tally } from "../model/gate.ts";

/** One gate rule: what it measures on a tally and how that compares with the threshold. */
interface Rule {
  readonly name: string;
  readonly threshold: (rules: GateRules) => number;
  /** null: there is nothing to measure. */
  readonly observe: (tally: Tally) => number | null;
  readonly met: (observed: number, threshold: number) => boolean;
  readonly unmetMeans: "no-go" | "inconclusive";
  /** Does an unmeasurable rule pass? Only where another rule notices that there is nothing. */
  readonly metByNothing: boolean;
}

const atLeast = (observed: number, threshold: number) => observed >= threshold;
const atMost = (observed: number, threshold: number) => observed <= threshold;

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
    metByNothing: false,
  },
  {
    name: "minPassRatio",
    threshold: ({ minPassRatio }) => minPassRatio,
    observe: ({ pass, fail }) => ratio(pass, pass + fail),
    met: atLeast,
    unmetMeans: "no-go",
    metByNothing: false,
  },
  {
    name: "maxUnexpectedAccepts",
    threshold: ({ maxUnexpectedAccepts }) => maxUnexpectedAccepts,
    observe: ({ unexpectedAccepts }) => unexpectedAccepts,
    met: atMost,
    unmetMeans: "no-go",
    metByNothing: true,
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
    metByNothing: true,
  },
  {
    name: "minCoverage",
    threshold: ({ minCoverage }) => minCoverage,
    observe: (tally) => ratio(tested(tally), tally.expected),
    met: atLeast,
    unmetMeans: "inconclusive",
    metByNothing: true,
  },
  {
    name: "notRun",
    threshold: () => 0,
    observe: ({ notRun }) => notRun,
    met: atMost,
    unmetMeans: "inconclusive",
    metByNothing: true,
  },
  {
    name: "derivedFailures",
    threshold: () => 0,
    observe: ({ derivedFailed }) => derivedFailed,
    met: atMost,
    unmetMeans: "no-go",
    metByNothing: true,
  },
];

/** Every rule on one tally. */
export function evaluateRules(
  tally: Tally,
  rules: GateRules,
  where: { readonly target: string | null; readonly cohort: string | null },
): RuleResult[] {
  return RULES.map((rule) => evaluateRule(rule, tally, rule.threshold(rules), where));
}

function evaluateRule(
  rule: Rule,
  tally: Tally,
  threshold: number,
  where: { readonly target: string | null; readonly cohort: string | null },
): RuleResult {
  const observed = rule.observe(tally);
  return {
    rule: rule.name,
    ...where,
    threshold,
    observed,
    met: observed === null ? rule.metByNothing || threshold === 0 : rule.met(observed, threshold),
    // What could not be measured proves nothing either way.
    unmetMeans: observed === null ? "inconclusive" : rule.unmetMeans,
  };
}
