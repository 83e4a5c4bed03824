import { CONFIDENCE, ratePercent } from "../lib/failure-bound.ts";
import type {
  Decision,
  GateOutcome,
  GateRules,
  GroupTally,
  LatencyTally,
  RuleResult,
  Tally,
} from "../model/gate.ts";
import type { SampleBound } from "../model/sample.ts";
import { boundsOf, boundsOfWhole, disagreementBounds, sampleBounds } from "./bound.ts";
import { evaluateRules } from "./rules.ts";
import { loosest, rulesOf, sum } from "./whole.ts";

export interface GateInput {
  /** One per cohort × target, cohorts that are expected and absent included. */
  readonly groups: readonly GroupTally[];
  /** Profiles that could not be read; they belong to no cohort. */
  readonly invalidProfiles: number;
  /** Of the whole: percentiles do not add up. */
  readonly latency: LatencyTally;
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
  const { groups, invalidProfiles, latency, rules, cohortRules, notes } = input;
  const perGroup = groups.map((group) => ({
    group,
    results: evaluateRules(group, rulesOf(group, rules, cohortRules), whereOf(group), boundsOf(group)),
  }));
  const whole = evaluateRules(
    sum(groups, invalidProfiles, latency),
    loosest(groups, rules, cohortRules),
    { target: null, cohort: null },
    boundsOfWhole(groups),
  );
  const bounds = sampleBounds(groups);
  const disagreement = disagreementBounds(groups);
  const all = [...whole, ...perGroup.flatMap(({ results }) => results)];
  const nothingSelected = groups.every((group) => planned(group) === 0);
  const fromRules = worst(all);
  const decision = fromRules === "go" && (nothingSelected || notes.length > 0) ? "inconclusive" : fromRules;
  return {
    decision,
    rules: all,
    reason: nothingSelected
      ? "nothing was selected"
      : (whyNothingRan(groups, notes) ??
        `${reasonFor(decision, all, notes)}${confidenceIn(decision, bounds, disagreement)}`),
    groups: perGroup.map(({ group, results }) => ({
      target: group.target,
      cohort: group.cohort,
      decision: worst(results),
    })),
    nothingSelected,
    ...(bounds.length > 0 && { bounds }),
    ...(disagreement.length > 0 && { disagreement }),
  };
}

/** `group` holds its tally too: only its place goes into a rule's result. */
function whereOf({ target, cohort }: GroupTally): { target: string | null; cohort: string } {
  return { target: target === "" ? null : target, cohort };
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

/** A go that rests on samples says what they leave open. */
function confidenceIn(
  decision: Decision,
  bounds: readonly SampleBound[],
  disagreement: readonly SampleBound[],
): string {
  if (decision !== "go") return "";
  const worst = (of: readonly SampleBound[]) =>
    `no more than ${ratePercent(Math.max(...of.map(({ failureRate }) => failureRate)))} of any cohort's devices`;
  const answered = disagreement.filter(({ decided }) => decided > 0);
  const parts = [
    ...(bounds.length > 0 ? [`${worst(bounds)} fail`] : []),
    ...(answered.length > 0 ? [`the authorizer disagrees with the gateway about ${worst(answered)}`] : []),
  ];
  return parts.length === 0 ? "" : `; with ${ratePercent(CONFIDENCE)} confidence ${parts.join(" and ")}`;
}

function describe({ rule, target, cohort, threshold, observed, inSample }: RuleResult): string {
  const where = cohort === null ? "" : `${cohort}${target ? ` on ${target}` : ""}: `;
  const unit = rule.endsWith("P95") ? " s" : "";
  const seen = observed === null ? "not measurable" : `${round(observed)}${unit}`;
  const bound = inSample === undefined ? "" : ` at worst (${round(inSample)} in the sample)`;
  return `${where}${rule} is ${seen}${bound}, threshold ${round(threshold)}${unit}`;
}

function round(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}
