/** How much of what is selected a run draws. `within`: as much as budgets allow in that time. */
export type SampleSize =
  | { readonly kind: "devices"; readonly devices: number }
  | { readonly kind: "percent"; readonly percent: number }
  | { readonly kind: "within"; readonly withinMs: number };

/** What was drawn of one cohort × target. */
export interface GroupSample {
  readonly devices: number;
  readonly ofDevices: number;
  /** One for each protocol of each device that was drawn. */
  readonly checks: number;
  readonly ofChecks: number;
}

/** What came of asking the authorizer about a part of one cohort × target (`authorizer: sample`). */
export interface AskedTally {
  /** Whom it was to be asked about. */
  readonly sample: GroupSample;
  /** Checks of devices that should get in, for which both authorizer and gateway had an answer. */
  readonly answered: number;
  /** Of those: the two differ. */
  readonly disagreed: number;
}

/** What a run drew. The same seed draws the same devices of the same profiles. */
export interface RunSample {
  readonly size: SampleSize;
  readonly seed: string;
  readonly devices: number;
  readonly ofDevices: number;
}

/** Which failure rate (or rate of disagreement) what a run saw of one cohort × target excludes. */
export interface SampleBound {
  readonly target: string;
  readonly cohort: string;
  readonly devices: number;
  readonly ofDevices: number;
  /** Checks that passed or failed (agreed or disagreed). */
  readonly decided: number;
  readonly failed: number;
  /** Rates above this one are excluded, 0..1. */
  readonly failureRate: number;
  readonly confidence: number;
}
