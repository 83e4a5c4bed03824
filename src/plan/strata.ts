import { hash } from "node:crypto";
import type { Profile } from "../model/profile.ts";

/** One cohort × target of what is selected. */
export interface Stratum {
  readonly target: string;
  readonly cohort: string;
  readonly devices: number;
  readonly checks: number;
  /** Of each device, lowest first: what is drawn are the first ones. */
  readonly keys: Float64Array;
}

/** A key holds 48 bits of chance above the device's number of checks, which is at most 3. */
const CHECKS = 4;
const CHANCE_DIGITS = 12;

/** By chance, but always the same for a device and a seed, wherever and in whatever order devices are read. */
export function keyOf({ id, protocols }: Pick<Profile, "id" | "protocols">, seed: string): number {
  const chance = Number.parseInt(hash("sha256", `${seed}\0${id}`, "hex").slice(0, CHANCE_DIGITS), 16);
  return chance * CHECKS + protocols.length;
}

/** Checks of the first `devices` of a stratum. */
export function checksOfFirst({ keys }: Stratum, devices: number): number {
  let checks = 0;
  for (const key of keys.subarray(0, devices)) checks += key % CHECKS;
  return checks;
}

export function stratumKey({ target, cohort }: Pick<Profile, "target" | "cohort">): string {
  return `${target}\n${cohort}`;
}

/** Collects the devices of each cohort × target; keeps 8 to 16 bytes of each. */
export class Strata {
  readonly #seed: string;
  readonly #groups = new Map<
    string,
    { target: string; cohort: string; keys: Float64Array; devices: number }
  >();

  constructor(seed: string) {
    this.#seed = seed;
  }

  add(profile: Profile): void {
    const { target, cohort } = profile;
    const name = stratumKey(profile);
    const group = this.#groups.get(name) ?? { target, cohort, keys: new Float64Array(16), devices: 0 };
    this.#groups.set(name, group);
    if (group.devices === group.keys.length) group.keys = grown(group.keys);
    group.keys[group.devices++] = keyOf(profile, this.#seed);
  }

  /** In order of first appearance. */
  result(): Stratum[] {
    return [...this.#groups.values()].map(({ target, cohort, keys: all, devices }) => {
      const keys = all.subarray(0, devices).sort();
      const stratum = { target, cohort, devices, checks: 0, keys };
      return { ...stratum, checks: checksOfFirst(stratum, devices) };
    });
  }
}

function grown(keys: Float64Array): Float64Array {
  const larger = new Float64Array(keys.length * 2);
  larger.set(keys);
  return larger;
}
