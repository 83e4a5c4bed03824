import type { Decision, GateOutcome, GateRules, GroupTally, RuleResult, Tally } from "../model/gate.ts";
import { evaluateRules } from "./rules.ts";

export interface GateInput {
  /** One per cohort × target, cohorts that are expected and absent included. */
  readonly groups: readonly GroupTally[];
  /** Profiles that could not be read; they belong to no cohort. */
  readonly invalidProfiles: number;
  readonly rules: GateRules;
  readonly cohortRules: Readonly<Record<string, Partial<GateRules>>>;
  /** What went wrong with the run itself; any entry forbids a go. */
  readonly notes: readonly string[];
}

/**
 * Rules → decision. Every rule is evaluated per cohort × target and for the whole, and the worst decides, so
 * that no aggregate hides a dead cohort; no-go outweighs inconclusive. Nothing selected is inconclusive.
 */
export function decide(input: GateInput): GateOutcome {
  const { groups, invalidProfiles, rules, cohortRules, notes } = input;
  const perGroup = groups.map((group) => ({
    group,
    results: evaluateRules(group, { ...rules, ...cohortRules[group.cohort] }, whereOf(group)),
  }));
  const whole = evaluateRules(sum(groups, invalidProfiles), loosest(groups, rules, cohortRules), {
    target: null,
    cohort: null,
  });
  const all = [...whole, ...perGroup.flatMap(({ results }) => results)];
  const nothingSelected = groups.every((group) => planned(group) === 0);
  const fromRules = worst(all);
  const decision = fromRules === "go" && (nothingSelected || notes.length > 0) ? "inconclusive" : fromRules;
  return {
    decision,
    rules: all,
    reason: nothingSelected
      ? "nothing was selected"
      : (whyNothingRan(groups, notes) ?? reasonFor(decision, all, notes)),
    groups: perGroup.map(({ group, results }) => ({
      target: group.target,
      cohort: group.cohort,
      decision: worst(results),
    })),
    nothingSelected,
  };
}

/** `group` holds its tally too: only its place goes into a rule's result. */
function whereOf({ target, cohort }: GroupTally): { target: string | null; cohort: string } {
  return { target: target === "" ? null : target, cohort };
}

/** Adds the groups up to the whole. */
export function sum(groups: readonly Tally[], invalid: number): Tally {
  const total = (field: keyof Tally) => groups.reduce((all, group) => all + group[field], 0);
  return {
    pass: total("pass"),
    fail: total("fail"),
    inconclusive: total("inconclusive"),
    skipped: total("skipped"),
    notRun: total("notRun"),
    unexpectedAccepts: total("unexpectedAccepts"),
    expected: total("expected"),
    derived: total("derived"),
    derivedFailed: total("derivedFailed"),
    invalid,
  };
}

/**
 * The whole is held to the loosest threshold that holds for any of its parts: a cohort that was given a lower
 * bar on purpose must not fail the whole, and each part still answers for itself.
 */
function loosest(
  groups: readonly GroupTally[],
  rules: GateRules,
  cohortRules: GateInput["cohortRules"],
): GateRules {
  const present = groups.map((group) => ({ ...rules, ...cohortRules[group.cohort] }));
  const lowest = (field: keyof GateRules) => Math.min(rules[field], ...present.map((each) => each[field]));
  const highest = (field: keyof GateRules) => Math.max(rules[field], ...present.map((each) => each[field]));
  return {
    minChecks: lowest("minChecks"),
    minPassRatio: lowest("minPassRatio"),
    minCoverage: lowest("minCoverage"),
    maxUnexpectedAccepts: highest("maxUnexpectedAccepts"),
    maxInconclusiveRatio: highest("maxInconclusiveRatio"),
    maxAgeMs: lowest("maxAgeMs"),
  };
}

function planned({ pass, fail, inconclusive, skipped, notRun }: Tally): number {
  return pass + fail + inconclusive + skipped + notRun;
}

function worst(results: readonly RuleResult[]): Decision {
  const unmet = results.filter(({ met }) => !met);
  if (unmet.some(({ unmetMeans }) => unmetMeans === "no-go")) return "no-go";
  return unmet.length > 0 ? "inconclusive" : "go";
}

/** Why nothing was run says more than that nothing was. */
function whyNothingRan(groups: readonly Tally[], notes: readonly string[]): string | null {
  return groups.every((group) => planned(group) === group.notRun) ? (notes[0] ?? null) : null;
}

function reasonFor(decision: Decision, results: readonly RuleResult[], notes: readonly string[]): string {
  if (decision === "go") return "every rule is met";
  const deciding = results.filter(({ met, unmetMeans }) => !met && unmetMeans === decision);
  const parts = deciding.filter(({ cohort }) => cohort !== null);
  // What was measured says more than what could not be.
  const [first, ...rest] = (parts.length > 0 ? parts : deciding).toSorted(
    (a, b) => Number(a.observed === null) - Number(b.observed === null),
  );
  if (first === undefined) return notes[0] ?? "the run itself went wrong";
  const more = rest.length > 0 ? `, and ${rest.length} more` : "";
  return `${describe(first)}${more}`;
}

function describe({ rule, target, cohort, threshold, observed }: RuleResult): string {
  const where = cohort === null ? "" : `${cohort}${target ? ` on ${target}` : ""}: `;
  const seen = observed === null ? "not measurable" : round(observed);
  return `${where}${rule} is ${seen}, threshold ${round(threshold)}`;
}

function round(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}
