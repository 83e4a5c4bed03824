import type { Suite } from "../model/config.ts";
import type { Selection } from "../model/run.ts";
import type { FleetGroup } from "../model/run-plan.ts";
import type { GroupSample } from "../model/sample.ts";

/** What a run should come to in one cohort × target; target "" where no profile says which. */
export interface ExpectedGroup {
  readonly target: string;
  readonly cohort: string;
  /** In the plan. */
  readonly planned: number;
  /** For the coverage: the suite's own number where it states one. */
  readonly expected: number;
  readonly sample?: GroupSample;
  readonly asked?: GroupSample;
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
  const own = groups.map(({ target, checks, sample, asked }) => {
    const drawn = { ...(sample && { sample }), ...(asked && { asked }) };
    return { target, cohort, planned: checks, expected: checks, ...drawn };
  });
  const [only, ...others] = own;
  if (only === undefined) return [{ target: "", cohort, planned: 0, expected: stated ?? 0 }];
  if (stated === undefined) return own;
  const planned = own.reduce((all, each) => all + each.planned, 0);
  const ofAll = own.reduce((all, each) => all + (each.sample?.ofChecks ?? each.planned), 0);
  // A sample of less than the cohort should hold is short by as much as the cohort is.
  const due = ofAll === planned ? stated : Math.ceil((stated * planned) / ofAll);
  if (others.length === 0) return [{ ...only, expected: due }];
  // Spread over several targets: what is missing belongs to none of them.
  const missing = due - planned;
  return missing > 0 ? [...own, { target: "", cohort, planned: 0, expected: missing }] : own;
}
