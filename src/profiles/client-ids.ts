import { TextTable } from "../lib/text-table.ts";
import type { Profile } from "../model/profile.ts";

/** A client id's number in the table: who uses it, and four times its first place. */
const BY_DEVICE = 1;
const BY_DEDICATED = 2;
const ONE_PLACE = 4;

/** By target. */
export type Contested = ReadonlySet<string>;

/**
 * Who uses each client id of a target. One that a profile calls `device` is a live device's whatever another profile
 * says: a connection as `dedicated` would throw that device out.
 */
export class ClientIds {
  readonly #uses = new TextTable();
  /** Few, or the fleet is not usable. */
  readonly #contested = new Set<string>();

  /** Answers the place of the first use where the uses do not agree, else null. */
  add(profile: Profile, place: number): number | null {
    const key = keyOf(profile);
    if (key === null) return null;
    const [who, other] =
      profile.identity === "device" ? [BY_DEVICE, BY_DEDICATED] : [BY_DEDICATED, BY_DEVICE];
    const before = this.#uses.update(key, (value) => (value === 0 ? place * ONE_PLACE + who : value | who));
    if ((before & other) === 0) return null;
    this.#contested.add(key);
    return Math.floor(before / ONE_PLACE);
  }

  /** Client ids whose uses do not agree. */
  get contested(): Contested {
    return this.#contested;
  }
}

/** The strictest use holds: a live device's client id is one in every profile. */
export function guarded(profile: Profile, contested: Contested): Profile {
  const key = contested.size > 0 ? keyOf(profile) : null;
  return key !== null && contested.has(key) ? { ...profile, identity: "device" } : profile;
}

/** null: nobody connects with it. An empty one stands for one that the gateway makes up. */
function keyOf({ target, clientId, protocols }: Profile): string | null {
  if (!clientId || protocols.every((protocol) => protocol === "https")) return null;
  return `${target}\n${clientId}`;
}
