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
export function isPartial({ cohorts, devices, sample }: Selection): boolean {
  return cohorts !== null || devices !== null || sample !== undefined;
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

/** Who of the selected is tested, and when the authorizer is asked about them. */
export interface Choice {
  readonly includes: (profile: Profile) => boolean;
  readonly asks: (profile: Profile) => Check["asks"];
}

/** The plan, as a stream in source order. The first live devices are those that the run may connect as. */
export async function* planChecks(
  profiles: AsyncIterable<Profile>,
  suite: Pick<Suite, "cohorts">,
  selection: Selection,
  { includes, asks }: Choice,
): AsyncGenerator<Check> {
  let seq = 0;
  let lifted = 0;
  for await (const profile of profiles) {
    if (!isSelected(profile, suite, selection) || !includes(profile)) continue;
    const asked = asks(profile);
    for (const check of checksOf(profile, seq)) {
      const guardLifted = isGuarded(check) && lifted < selection.allowDeviceIdentity;
      lifted += guardLifted ? 1 : 0;
      seq += 1;
      yield { ...check, guardLifted, ...(asked === "first" ? {} : { asks: asked }) };
    }
  }
}

/** HTTPS has no client id whose state could be asked, and publishes as the device: nothing lifts that. */
function isGuarded({ profile, protocol }: Check): boolean {
  return profile.identity === "device" && protocol !== "https";
}
