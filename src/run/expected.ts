import type { Suite } from "../model/config.ts";
import type { Selection } from "../model/run.ts";

/** One cohort × target of the sources. */
export interface FleetGroup {
  readonly target: string;
  readonly cohort: string;
  readonly checks: number;
}

/** What a run should come to in one cohort × target; target "" where no profile says which. */
export interface ExpectedGroup {
  readonly target: string;
  readonly cohort: string;
  /** In the plan. */
  readonly planned: number;
  /** For the coverage: the suite's own number where it states one. */
  readonly expected: number;
}

/**
 * What a run should cover. A cohort that is asked for and absent stays in the list, so that the gate can name it;
 * a cohort that holds less than the suite expects is short of coverage.
 */
export function expectedGroups(
  planned: readonly FleetGroup[],
  suite: Pick<Suite, "cohorts" | "expected" | "cohortGates">,
  selection: Selection,
): ExpectedGroup[] {
  const byCohort = Map.groupBy(planned, ({ cohort }) => cohort);
  const asked = selection.devices === null ? askedCohorts(suite, selection) : [];
  const cohorts = new Set([...byCohort.keys(), ...asked]);
  return [...cohorts].flatMap((cohort) => {
    const stated = selection.devices === null ? suite.expected?.[cohort] : undefined;
    return groupsOf(cohort, byCohort.get(cohort) ?? [], stated);
  });
}

function askedCohorts(
  suite: Pick<Suite, "cohorts" | "expected" | "cohortGates">,
  selection: Selection,
): string[] {
  // A cohort with a gate of its own matters to somebody: renamed or lost, it must not fall under the others' gate unseen.
  const named = [
    ...(suite.cohorts ?? []),
    ...Object.keys(suite.expected ?? {}),
    ...Object.keys(suite.cohortGates).filter((cohort) => suite.cohorts?.includes(cohort) ?? true),
  ];
  if (selection.cohorts === null) return named;
  return [...selection.cohorts];
}

function groupsOf(
  cohort: string,
  groups: readonly FleetGroup[],
  stated: number | undefined,
): ExpectedGroup[] {
  const own = groups.map(({ target, checks }) => ({ target, cohort, planned: checks, expected: checks }));
  const [only, ...others] = own;
  if (only === undefined) return [{ target: "", cohort, planned: 0, expected: stated ?? 0 }];
  if (stated === undefined) return own;
  if (others.length === 0) return [{ ...only, expected: stated }];
  // Spread over several targets: what is missing belongs to none of them.
  const missing = stated - own.reduce((all, { planned }) => all + planned, 0);
  return missing > 0 ? [...own, { target: "", cohort, planned: 0, expected: missing }] : own;
}
