import { monotonicMs } from "../lib/clock.ts";
import { DERIVED_PER_HOUR, quotaOwner } from "../lib/pacing.ts";
import type { Check } from "../model/check.ts";
import type { DerivedLedger } from "../model/ports.ts";
import type { Target } from "../model/target.ts";

const HOUR_MS = 3_600_000;

/** Keeps its count in memory: for the runs of one process. `now`: milliseconds of any clock. */
export function createDerivedLedger(now: () => number = monotonicMs): DerivedLedger {
  /** When each identity was used, its last use latest; identities in the order of their last use. */
  const uses = new Map<string, readonly number[]>();

  function recent(identity: string): readonly number[] {
    const since = now() - HOUR_MS;
    return (uses.get(identity) ?? []).filter((atMs) => atMs > since);
  }

  function forgetOld(): void {
    for (const [identity] of uses) {
      if (recent(identity).length > 0) return;
      uses.delete(identity);
    }
  }

  return {
    used: (identity) => recent(identity).length,
    spend(identities) {
      forgetOld();
      if (identities.some((identity) => recent(identity).length >= DERIVED_PER_HOUR)) return false;
      for (const identity of identities) {
        const before = recent(identity);
        uses.delete(identity);
        uses.set(identity, [...before, now()]);
      }
      return true;
    },
  };
}

/** Whom a connection is made as: its client id, or its profile where none is sent; unique over accounts and Regions. */
export function identityOf(
  { profile, protocol }: Pick<Check, "profile" | "protocol">,
  target: Target,
): string {
  const { id, clientId } = profile;
  return clientIdentity({ id, clientId: protocol === "https" ? null : clientId }, target);
}

export function clientIdentity(
  { id, clientId }: { readonly id: string; readonly clientId: string | null },
  target: Target,
): string {
  return `${quotaOwner(target)}/${clientId === null ? `profile ${id}` : `client ${clientId}`}`;
}
