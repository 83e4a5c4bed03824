import type { DerivedKind } from "../model/check.ts";
import type { Protocol } from "../model/profile.ts";
import type { ResultRecord } from "../model/result.ts";

/** A corruption that the gateway let in, and that nothing has been seen to keep out since. */
export interface LetIn {
  readonly target: string;
  readonly cohort: string;
  readonly protocol: Protocol;
  readonly kind: DerivedKind;
  /** Of the wall clock: when it was seen last. */
  readonly atMs: number;
}

/** Longer than a pipeline is repeated for; a cohort that is gone by then is not told of for ever. */
const FORGET_MS = 86_400_000;

/**
 * What derived checks say of each corruption, over runs. Without it, an authorizer that lets everybody in would be a go
 * as soon as repeated runs have spent what an hour allows: what was let in stays open until it is seen denied.
 */
export class LetInOverRuns {
  /** Of this run; a corruption that one device got in with was let in. */
  readonly #seen = new Map<string, { readonly one: Omit<LetIn, "atMs">; isLetIn: boolean }>();

  /** Takes what a derived check came to; others say nothing. */
  add({ target, cohort, protocol, derived, verdict }: ResultRecord): void {
    if (derived === null || (verdict !== "pass" && verdict !== "fail")) return;
    const one = { target, cohort, protocol, kind: derived };
    const before = this.#seen.get(keyOf(one));
    this.#seen.set(keyOf(one), { one, isLetIn: verdict === "fail" || before?.isLetIn === true });
  }

  /** What is open now; `earlier`: what was open before this run. */
  openAfter(earlier: readonly LetIn[], nowMs: number): LetIn[] {
    const atMs = Math.round(nowMs);
    const now = [...this.#seen.values()].flatMap(({ one, isLetIn }) => (isLetIn ? [{ ...one, atMs }] : []));
    return [...this.#unseen(earlier).filter((each) => each.atMs > nowMs - FORGET_MS), ...now];
  }

  /**
   * Why a run that had to leave derived checks out is no go; null: nothing stands against it.
   *
   * @param concerns is it about this run's devices, and a corruption that its suite wants tried?
   */
  objection(earlier: readonly LetIn[], concerns: (one: LetIn) => boolean): string | null {
    const kinds = new Set(
      this.#unseen(earlier)
        .filter(concerns)
        .map(({ kind }) => kind),
    );
    if (kinds.size === 0) return null;
    return (
      `not seen denied since an earlier run saw it let in: ${[...kinds].sort().join(", ")}; derived checks had to be ` +
      "left out, so run again later, or give the cohort more dedicated identities"
    );
  }

  #unseen(earlier: readonly LetIn[]): LetIn[] {
    return earlier.filter((each) => !this.#seen.has(keyOf(each)));
  }
}

function keyOf({ target, cohort, protocol, kind }: Omit<LetIn, "atMs">): string {
  return [target, cohort, protocol, kind].join("\n");
}
