/** Checks in which two runs differ. */
export interface DriftItem {
  readonly checks: number;
  /** A few device ids. */
  readonly examples: readonly string[];
}

/** 95th percentile of the whole connection over one protocol, or of the authorizer's answers (`api`), in seconds. */
export interface LatencyShift {
  readonly protocol: string;
  readonly before: number;
  readonly now: number;
}

/** What one cohort × target shows against the run it is compared with; derived checks left out. */
export interface GroupComparison {
  readonly target: string;
  readonly cohort: string;
  /** Checks that fail and did not fail then. */
  readonly newFailures: number;
  /** Checks the authorizer answered in both runs. */
  readonly comparable: number;
  /** Of those, the ones with another policy, principalId, refresh or disconnect time. */
  readonly policyChanges: number;
}

/** What changed since the last run of the whole suite that was a go; a check is a device over one protocol. */
export interface Drift {
  /** Id of that run. */
  readonly since: string;
  readonly newlyFailing: DriftItem;
  readonly recovered: DriftItem;
  /** Devices, not checks; null: not every check was run, or not the whole suite. */
  readonly newlyMissing: DriftItem | null;
  readonly policyChanged: DriftItem;
  readonly principalIdChanged: DriftItem;
  /** Refresh or disconnect time. */
  readonly timesChanged: DriftItem;
  readonly latency: readonly LatencyShift[];
}

/** What the store finds out about two runs. */
export interface Comparison {
  readonly drift: Omit<Drift, "latency">;
  readonly groups: readonly GroupComparison[];
}
