import type { Check } from "../model/check.ts";
import type { Suite } from "../model/config.ts";
import type { Profile } from "../model/profile.ts";
import type { Selection } from "../model/run.ts";

/** Is this profile part of the run? What the run names narrows what the suite names. */
export function isSelected(
  profile: Pick<Profile, "id" | "cohort">,
  suite: Pick<Suite, "cohorts">,
  selection: Selection,
): boolean {
  return (
    includes(suite.cohorts, profile.cohort) &&
    includes(selection.cohorts, profile.cohort) &&
    includes(selection.devices, profile.id)
  );
}

function includes(names: readonly string[] | null, name: string): boolean {
  return names === null || names.includes(name);
}

/** Does the selection leave out a part of its suite? Then its decision is not the suite's. */
export function isPartial({ cohorts, devices }: Selection): boolean {
  return cohorts !== null || devices !== null;
}

/** One check for each protocol of the profile, numbered from `seq` on. */
export function checksOf(profile: Profile, seq: number): Check[] {
  return profile.protocols.map((protocol, index) => ({
    seq: seq + index,
    profile,
    protocol,
    expectation: profile.expect.access,
    derived: null,
    guardLifted: false,
  }));
}

/** The plan, as a stream in source order. */
export async function* planChecks(
  profiles: AsyncIterable<Profile>,
  suite: Pick<Suite, "cohorts">,
  selection: Selection,
): AsyncGenerator<Check> {
  let seq = 0;
  for await (const profile of profiles) {
    if (!isSelected(profile, suite, selection)) continue;
    const checks = checksOf(profile, seq);
    seq += checks.length;
    yield* checks;
  }
}
