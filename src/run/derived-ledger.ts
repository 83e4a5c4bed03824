import { monotonicMs, wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import { DERIVED_PER_HOUR, quotaOwner } from "../lib/pacing.ts";
import type { Check } from "../model/check.ts";
import type { DerivedLedger } from "../model/ports.ts";
import type { Target } from "../model/target.ts";

const HOUR_MS = 3_600_000;

/** Derived connections that outlive the process. Throws where the disk or the database says no. */
export interface DerivedUses {
  /** Of the last hour at least. `atMs`: of the wall clock. */
  all(): readonly { readonly identity: string; readonly atMs: number }[];
  /** One use of each identity; what was before `forgetBeforeMs` may go. */
  add(identities: readonly string[], atMs: number, forgetBeforeMs: number): void;
}

export interface LedgerOptions {
  /** Omitted: the count goes with the process. */
  readonly kept?: DerivedUses;
  /** Told once, when the count cannot be kept any more: it goes on in memory. */
  readonly onProblem?: (problem: string) => void;
  /** Milliseconds of a clock that is never set. */
  readonly now?: () => number;
  readonly wall?: () => number;
}

/** Counts by a clock that nobody sets, and keeps by the wall clock, which the next process has too. */
export function createDerivedLedger({
  kept,
  onProblem = () => {},
  now = monotonicMs,
  wall = wallMs,
}: LedgerOptions = {}): DerivedLedger {
  /** When each identity was used, its last use latest; identities in the order of their last use. */
  const uses = new Map<string, readonly number[]>();
  let keeping = kept ?? null;

  function withKept(work: (where: DerivedUses) => void): void {
    if (keeping === null) return;
    try {
      work(keeping);
    } catch (error) {
      keeping = null;
      onProblem(errorMessage(error));
    }
  }

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

  function note(identity: string, atMs: number): void {
    const before = recent(identity);
    uses.delete(identity);
    uses.set(identity, [...before, atMs]);
  }

  withKept((where) => {
    for (const { identity, atMs } of where.all()) {
      const agoMs = wall() - atMs;
      // The clock may have been set back since; one that was far off says nothing.
      if (Math.abs(agoMs) < HOUR_MS) note(identity, now() - Math.max(0, agoMs));
    }
  });

  return {
    used: (identity) => recent(identity).length,
    spend(identities) {
      forgetOld();
      if (identities.some((identity) => recent(identity).length >= DERIVED_PER_HOUR)) return false;
      for (const identity of identities) note(identity, now());
      withKept((where) => where.add(identities, wall(), wall() - HOUR_MS));
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
