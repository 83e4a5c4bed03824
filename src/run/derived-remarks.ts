import { DERIVED_PER_HOUR } from "../lib/pacing.ts";
import type { VerdictKind } from "../model/result.ts";
import type { SecondWaveReport } from "./second-wave.ts";

export interface DerivedCame {
  /** The suite wants derived checks, and something passed. */
  readonly isAsked: boolean;
  readonly verdicts: Readonly<Record<VerdictKind, number>>;
  readonly report: SecondWaveReport;
}

/** What derived checks came to beside failing, in words: it changes no decision, and must not be overlooked. */
export function derivedRemarks({ isAsked, verdicts, report }: DerivedCame): string[] {
  const { capped, isCutShort } = report;
  const all = totalOf(verdicts);
  const unproven = verdicts.inconclusive + verdicts.skipped;
  const remarks: string[] = [];
  if (unproven > 0) {
    remarks.push(
      `derived checks that proved nothing: ${unproven} of ${all}; the decision does not count them`,
    );
  }
  if (capped > 0) {
    const most = `an identity is connected for at most ${DERIVED_PER_HOUR} of them an hour`;
    remarks.push(`derived checks left out: ${capped}; ${most}`);
  }
  if (isAsked && all === 0 && capped === 0 && !isCutShort) {
    remarks.push("no derived check was made: nothing that passed can be corrupted");
  }
  return remarks;
}

export function totalOf(verdicts: DerivedCame["verdicts"]): number {
  return Object.values(verdicts).reduce((all, count) => all + count, 0);
}
