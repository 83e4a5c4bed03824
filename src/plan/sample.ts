import { devicesToExclude } from "../lib/failure-bound.ts";
import { sampleSizeText } from "../lib/sample-size.ts";
import type { Check } from "../model/check.ts";
import type { Suite } from "../model/config.ts";
import type { PlanGroup } from "../model/plan.ts";
import type { Profile } from "../model/profile.ts";
import type { Selection } from "../model/run.ts";
import type { GroupSample, RunSample, SampleSize } from "../model/sample.ts";
import type { Target } from "../model/target.ts";
import { allocate } from "./allocate.ts";
import { budgetsOf } from "./budgets.ts";
import { PlanCounter } from "./count.ts";
import { type Choice, isSelected } from "./select.ts";
import { checksOfFirst, keyOf, Strata, type Stratum, stratumKey } from "./strata.ts";

/** What `authorizer: sample` sets out to exclude in each cohort × target, should nothing disagree. */
export const EXCLUDED_DISAGREEMENT = 0.05;
/** Of the time that is given: the rest is for latencies, second attempts and the way there. */
const USED_OF_TIME = 0.9;

export interface SampleInput {
  /** All valid profiles. */
  readonly profiles: AsyncIterable<Profile>;
  readonly suite: Pick<Suite, "cohorts" | "authorizer" | "derived">;
  readonly selection: Selection;
  readonly seed: string;
  readonly targets: readonly Target[];
}

/** One cohort × target, and what was drawn of it. */
export interface DrawnGroup {
  readonly target: string;
  readonly cohort: string;
  readonly sample: GroupSample;
  /** Whom the authorizer is asked about in any case. */
  readonly asked: GroupSample;
}

/** Who is tested, and about whom the authorizer is asked. */
export interface Drawn extends Choice {
  /** null: everybody who is selected is tested. */
  readonly sample: RunSample | null;
  readonly groups: readonly DrawnGroup[];
  readonly remarks: readonly string[];
}

/**
 * Draws a sample, stratified by cohort × target, with all checks of a device together. Reads the profiles once and
 * keeps 8 to 16 bytes of each. The same profiles and seed give the same sample, whoever draws it.
 */
export async function drawSample(input: SampleInput): Promise<Drawn> {
  const { profiles, suite, selection, seed, targets } = input;
  const strata = new Strata(seed);
  const counter = new PlanCounter(targets, suite.derived);
  const asks = suite.authorizer === "every" ? "first" : "on-disagreement";
  for await (const profile of profiles) {
    if (!isSelected(profile, suite, selection)) continue;
    strata.add(profile);
    if (selection.sample?.kind === "within") counter.add(profile, asks);
  }
  const found = strata.result();
  const costs = counter.result().groups;
  const { shares, remarks } = shareOut(found, selection.sample ?? null, { costs, targets, suite });
  const groups = found.map((stratum, at) => groupOf(stratum, shares[at] ?? 0, suite));
  const drawn = new Map(found.map((stratum, at) => [stratumKey(stratum), limitsOf(stratum, groups[at])]));
  const isWithin = (profile: Profile, what: keyof Limits) => {
    const limits = drawn.get(stratumKey(profile));
    return limits !== undefined && keyOf(profile, seed) <= limits[what];
  };
  return {
    sample: selection.sample === undefined ? null : { size: selection.sample, seed, ...totals(groups) },
    groups,
    remarks,
    includes: (profile) => selection.sample === undefined || isWithin(profile, "tested"),
    asks: (profile) => asksOf(suite.authorizer, () => isWithin(profile, "asked")),
  };
}

/** Who is tested, and when the authorizer is asked; the profiles are only read where something has to be drawn. */
export async function choose(
  input: Omit<SampleInput, "profiles"> & { readonly profiles: () => AsyncIterable<Profile> },
): Promise<{ readonly choice: Choice; readonly drawn: Drawn | null }> {
  const { suite, selection, profiles } = input;
  if (selection.sample !== undefined || suite.authorizer === "sample") {
    const drawn = await drawSample({ ...input, profiles: profiles() });
    return { choice: drawn, drawn };
  }
  const asks = suite.authorizer === "on-disagreement" ? suite.authorizer : "first";
  return { choice: { includes: () => true, asks: () => asks }, drawn: null };
}

/** The highest key that is in. */
interface Limits {
  readonly tested: number;
  readonly asked: number;
}

function limitsOf({ keys }: Stratum, group: DrawnGroup | undefined): Limits {
  const highest = (devices: number) => keys[devices - 1] ?? -1;
  return { tested: highest(group?.sample.devices ?? 0), asked: highest(group?.asked.devices ?? 0) };
}

function asksOf(authorizer: Suite["authorizer"], isAsked: () => boolean): Check["asks"] {
  switch (authorizer) {
    case "every":
      return "first";
    case "on-disagreement":
      return "on-disagreement";
    case "sample":
      return isAsked() ? "first" : "never";
  }
}

function groupOf(stratum: Stratum, devices: number, { authorizer }: Pick<Suite, "authorizer">): DrawnGroup {
  const { target, cohort, devices: ofDevices, checks: ofChecks } = stratum;
  const first = (many: number) => {
    return { devices: many, ofDevices, checks: checksOfFirst(stratum, many), ofChecks };
  };
  return { target, cohort, sample: first(devices), asked: first(askedOf(devices, ofDevices, authorizer)) };
}

function askedOf(devices: number, ofDevices: number, authorizer: Suite["authorizer"]): number {
  switch (authorizer) {
    case "every":
      return devices;
    case "on-disagreement":
      return 0;
    case "sample":
      return Math.min(devices, devicesToExclude(EXCLUDED_DISAGREEMENT, ofDevices));
  }
}

function totals(groups: readonly DrawnGroup[]): Pick<RunSample, "devices" | "ofDevices"> {
  const sum = (field: "devices" | "ofDevices") => groups.reduce((all, { sample }) => all + sample[field], 0);
  return { devices: sum("devices"), ofDevices: sum("ofDevices") };
}

interface Costs {
  readonly costs: readonly PlanGroup[];
  readonly targets: readonly Target[];
  readonly suite: Pick<Suite, "authorizer">;
}

interface Shares {
  readonly shares: readonly number[];
  readonly remarks: readonly string[];
}

function shareOut(strata: readonly Stratum[], size: SampleSize | null, costs: Costs): Shares {
  const sizes = strata.map(({ devices }) => devices);
  const all = sizes.reduce((sum, each) => sum + each, 0);
  if (size === null) return { shares: sizes, remarks: [] };
  switch (size.kind) {
    case "devices":
      return { shares: allocate(sizes, size.devices), remarks: [] };
    case "percent":
      return { shares: allocate(sizes, Math.ceil((all * size.percent) / 100)), remarks: [] };
    case "within":
      return shareWithin(strata, sizes, size, costs);
  }
}

/** The largest sample that the budgets let through in the time. */
function shareWithin(
  strata: readonly Stratum[],
  sizes: readonly number[],
  size: Extract<SampleSize, { kind: "within" }>,
  costs: Costs,
): Shares {
  const seconds = (size.withinMs / 1000) * USED_OF_TIME;
  const fits = (total: number) => secondsOf(strata, allocate(sizes, total), costs) <= seconds;
  const all = sizes.reduce((sum, each) => sum + each, 0);
  let [most, over] = [0, all + 1];
  while (over - most > 1) {
    const middle = Math.floor((most + over) / 2);
    if (fits(middle)) most = middle;
    else over = middle;
  }
  const shares = allocate(sizes, most);
  const tooLittle = `${sampleSizeText(size)} the budgets let less through than one device of each cohort on each target: one of each was drawn`;
  return { shares, remarks: fits(most) ? [] : [tooLittle] };
}

/** What the budgets take for the first `shares` of each stratum. */
function secondsOf(strata: readonly Stratum[], shares: readonly number[], costs: Costs): number {
  const parts = new Map(
    strata.map((stratum, at) => [stratumKey(stratum), { stratum, share: shares[at] ?? 0 }]),
  );
  const scaled = costs.costs.map((group) => {
    const part = parts.get(stratumKey(group));
    if (part === undefined) return group;
    const { stratum, share } = part;
    const ofAll = share / stratum.devices;
    const asked = costs.suite.authorizer === "sample" ? askedOf(share, stratum.devices, "sample") : 0;
    const apiCalls = Math.max(group.apiCalls * ofAll, (asked / stratum.devices) * group.checks);
    return { ...group, apiCalls, connects: group.connects * ofAll };
  });
  return Math.max(0, ...budgetsOf(scaled, costs.targets).map(({ leastSeconds }) => leastSeconds));
}
