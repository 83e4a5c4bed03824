import type { Check } from "../model/check.ts";
import type { Suite } from "../model/config.ts";
import type { Profile } from "../model/profile.ts";
import type { Selection } from "../model/run.ts";
import type { FleetGroup, RunPlan } from "../model/run-plan.ts";
import type { RunSample } from "../model/sample.ts";
import type { Decoy } from "../model/second-wave.ts";
import type { Target } from "../model/target.ts";
import { findDecoys } from "./decoys.ts";
import { choose, type Drawn, type DrawnGroup } from "./sample.ts";
import { checksOf, isSelected, planChecks } from "./select.ts";

/** The sources after pass one. */
export interface Sources {
  /** Reads the valid profiles from the start. */
  readonly profiles: () => AsyncIterable<Profile>;
  readonly groups: readonly FleetGroup[];
  readonly invalid: number;
  readonly checksum: string;
}

export interface PreparedPlan extends RunPlan {
  /** null: everybody who is selected is tested. */
  readonly sample: RunSample | null;
  /** The checks from the start again. */
  readonly again: () => AsyncIterable<Check>;
}

/** What a sample is drawn with. */
export interface DrawOptions {
  readonly seed: string;
  /** All of the configuration. */
  readonly targets: readonly Target[];
}

/** What a run is going to hold: counted first, and its checks as a stream over the sources. */
export async function preparePlan(
  sources: Sources,
  suite: Suite,
  selection: Selection,
  options: DrawOptions,
): Promise<PreparedPlan> {
  const { profiles, invalid } = sources;
  const { choice, drawn } = await choose({ ...options, profiles, suite, selection });
  const { groups: selected, missing } = await selectedGroups(sources, suite, selection);
  const groups = drawn === null ? selected : drawn.groups.map((group) => groupOf(group, drawn, suite));
  const stream = () => planChecks(profiles(), suite, selection, choice);
  const { decoys, refused } = await findDecoys(suite.derived?.decoys ?? [], profiles);
  return {
    groups,
    invalidProfiles: invalid,
    notes: [
      ...missing.map((id) => `device ${JSON.stringify(id)} is not in the selected profiles`),
      ...refused.map(({ id, reason }) => `decoy ${JSON.stringify(id)} cannot be one: ${reason}`),
    ],
    remarks: [...(drawn?.remarks ?? []), ...decoyRemarks(decoys, groups)],
    decoys,
    fleetChecksum: sources.checksum,
    sample: drawn?.sample ?? null,
    checks: stream(),
    again: stream,
  };
}

function groupOf(
  { target, cohort, sample, asked }: DrawnGroup,
  drawn: Pick<Drawn, "sample">,
  { authorizer }: Pick<Suite, "authorizer">,
): FleetGroup {
  return {
    ...{ target, cohort, checks: sample.checks },
    ...(drawn.sample && { sample }),
    ...(authorizer === "sample" && { asked }),
  };
}

/** Decoys that do not reach every target leave something untried there, which nobody should have to guess. */
function decoyRemarks(decoys: readonly Decoy[], groups: readonly FleetGroup[]): string[] {
  if (decoys.length === 0) return [];
  const without = new Set(groups.map(({ target }) => target)).difference(
    new Set(decoys.map(({ target }) => target)),
  );
  return [...without].map(
    (target) => `no decoy is on target ${target}: foreign-client-id and foreign-topic are not tried there`,
  );
}

interface SelectedGroups {
  readonly groups: readonly FleetGroup[];
  /** Ids that were asked for and are not there. */
  readonly missing: readonly string[];
}

async function selectedGroups(
  { groups, profiles }: Sources,
  suite: Suite,
  selection: Selection,
): Promise<SelectedGroups> {
  const { devices } = selection;
  if (devices !== null) return countDevices(profiles(), suite, { ...selection, devices });
  const selected = groups.filter((group) => isSelected({ id: "", ...group }, suite, selection));
  return { groups: selected, missing: [] };
}

/** Devices are chosen by id, and ids are not kept: they are counted by reading the sources. */
async function countDevices(
  profiles: AsyncIterable<Profile>,
  suite: Suite,
  selection: Selection & { readonly devices: readonly string[] },
): Promise<SelectedGroups> {
  const missing = new Set(selection.devices);
  const groups = new Map<string, { target: string; cohort: string; checks: number }>();
  for await (const profile of profiles) {
    if (!isSelected(profile, suite, selection)) continue;
    missing.delete(profile.id);
    const { target, cohort } = profile;
    const group = groups.get(`${target}\n${cohort}`) ?? { target, cohort, checks: 0 };
    group.checks += checksOf(profile, 0).length;
    groups.set(`${target}\n${cohort}`, group);
  }
  return { groups: [...groups.values()], missing: [...missing] };
}
