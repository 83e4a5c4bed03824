import type { Profile } from "../model/profile.ts";
import type { Decoy } from "../model/second-wave.ts";

export interface FoundDecoys {
  /** In the order they were named. */
  readonly decoys: readonly Decoy[];
  readonly refused: readonly RefusedDecoy[];
}

export interface RefusedDecoy {
  readonly id: string;
  /** For people: what is wrong with it. */
  readonly reason: string;
}

/**
 * Looks the decoys up in the sources, which are read twice: a decoy must be a dedicated profile whose client id no
 * other profile of its target has.
 */
export async function findDecoys(
  ids: readonly string[],
  profiles: () => AsyncIterable<Profile>,
): Promise<FoundDecoys> {
  if (ids.length === 0) return { decoys: [], refused: [] };
  const found = new Map<string, Profile>();
  for await (const profile of profiles()) if (ids.includes(profile.id)) found.set(profile.id, profile);
  const shared = new Map<string, string>();
  for await (const { id, target, clientId } of profiles()) {
    for (const decoy of found.values()) {
      const isShared = clientId !== null && clientId === decoy.clientId && target === decoy.target;
      if (isShared && id !== decoy.id) shared.set(decoy.id, id);
    }
  }
  const looked = [...new Set(ids)].map((id) => look(id, found.get(id) ?? null, shared.get(id) ?? null));
  return {
    decoys: looked.flatMap((each) => ("reason" in each ? [] : [each])),
    refused: looked.flatMap((each) => ("reason" in each ? [each] : [])),
  };
}

function look(id: string, profile: Profile | null, sharedWith: string | null): Decoy | RefusedDecoy {
  if (profile === null) return { id, reason: "no valid profile of the sources has this id" };
  const { identity, target, clientId } = profile;
  if (identity !== "dedicated") {
    return { id, reason: "its identity is `device`: only a dedicated profile may be a decoy" };
  }
  if (sharedWith !== null) {
    return { id, reason: `its client id is also that of ${JSON.stringify(sharedWith)}` };
  }
  const topics = topicsOf(profile);
  if (clientId === null && topics.length === 0) {
    return { id, reason: "it has neither a client id nor a topic to lend" };
  }
  return { id, target, clientId, topics };
}

/** What it reads is most its own; what it writes may be read by all. */
function topicsOf({ topic, expect }: Profile): readonly string[] {
  const stated = [...expect.receive.allow, ...expect.subscribe.allow, ...expect.publish.allow];
  return stated.length > 0 ? stated : [topic].flatMap((each) => each ?? []);
}
