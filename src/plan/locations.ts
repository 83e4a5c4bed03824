import type { Check } from "../model/check.ts";
import type { Suite } from "../model/config.ts";
import type { RunPlan } from "../model/run-plan.ts";

/** The plan with every check once for each vantage point; as it is where the suite asks for none. */
export function planAtLocations<P extends Omit<RunPlan, "sample">>(
  plan: P,
  { locations }: Pick<Suite, "locations">,
): P {
  if (locations.length === 0) return plan;
  const groups = plan.groups.map((group) => ({ ...group, checks: group.checks * locations.length }));
  const isSampled = plan.groups.some(({ sample, asked }) => sample !== undefined || asked !== undefined);
  // How sure a sample makes is counted in devices, and here each of them is there several times.
  const notes = isSampled ? [...plan.notes, "a sample over several locations cannot be judged"] : plan.notes;
  return { ...plan, groups, notes, checks: atLocations(plan.checks, locations) };
}

/** What a suite states of its cohorts, counted as the plan counts. */
export function expectedAtLocations(suite: Suite): Suite {
  const { locations, expected } = suite;
  if (locations.length === 0 || expected === null) return suite;
  const scaled = Object.entries(expected).map(([cohort, checks]) => [cohort, checks * locations.length]);
  return { ...suite, expected: Object.fromEntries(scaled) };
}

async function* atLocations(
  checks: AsyncIterable<Check>,
  locations: readonly string[],
): AsyncGenerator<Check> {
  for await (const check of checks) {
    for (const [index, location] of locations.entries()) {
      yield { ...check, seq: check.seq * locations.length + index, location };
    }
  }
}
