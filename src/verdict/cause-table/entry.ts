import type { CAUSE_CODES, Fault } from "../../model/causes.ts";

/** What a cause means and what to do about it. The one place where causes are described. */
export interface CauseEntry {
  readonly meaning: string;
  /** What a report shows to prove it. */
  readonly evidence: string;
  readonly nextStep: string;
  /** Rows of the catalogue of root causes in docs/causes.md. */
  readonly rows: readonly number[];
  /** AWS's page about it, after `https://docs.aws.amazon.com/`; null: AWS has none. */
  readonly reading: string | null;
}

/** An entry for each cause that is this party's fault. */
export type CauseEntries<F extends Fault> = Readonly<Record<(typeof CAUSE_CODES)[F][number], CauseEntry>>;
