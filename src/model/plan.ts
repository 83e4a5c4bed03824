import type { Suite } from "./config.ts";
import type { Protocol } from "./profile.ts";

/** What derived checks cost at most; they come on top of the plan's own. */
export interface DerivedCost {
  readonly checks: number;
  /** TestInvokeAuthorizer. */
  readonly apiCalls: number;
  readonly connects: number;
  readonly lambdaInvocations: number;
}

/** What the checks of one cohort × target × protocol cost, at most. */
export interface PlanGroup {
  readonly target: string;
  readonly cohort: string;
  readonly protocol: Protocol;
  readonly checks: number;
  /** Checks of profiles with `identity: device`: the gateway is left alone. */
  readonly guarded: number;
  /** TestInvokeAuthorizer. */
  readonly apiCalls: number;
  readonly connects: number;
  /** Of the authorizer: one for the API call, one for the connection. */
  readonly lambdaInvocations: number;
  readonly derived: DerivedCost;
}

/** One quota of an account in a Region, and what the run takes of it. */
export interface PlanBudget {
  readonly partition: string;
  readonly accountId: string;
  readonly region: string;
  readonly operation: "TestInvokeAuthorizer" | "Connect";
  /** Derived checks included. */
  readonly calls: number;
  /** As paced: a little below the configured limit. */
  readonly perSecond: number;
  /** Of AWS's fixed 10 TestInvokeAuthorizer calls a second, 0..; null: no such quota, or not asked of AWS itself. */
  readonly shareOfQuota: number | null;
  /** No run can spend the calls faster. */
  readonly leastSeconds: number;
}

export const PLAN_WARNINGS = [
  "nothing-selected",
  "device-identity",
  "mixed-identity",
  "shared-client-id",
  "persistent-session",
  "will",
  "https-publish",
  "coverage",
  "sample",
  "invoke-budget",
  "deadline",
  "concurrency",
] as const;
export type PlanWarningKind = (typeof PLAN_WARNINGS)[number];

export interface PlanWarning {
  readonly kind: PlanWarningKind;
  /** Profiles, checks, cohorts or limits concerned. */
  readonly count: number;
  readonly message: string;
}

export interface PlanFloor {
  readonly seconds: number;
  /** What takes that long; null: nothing to wait for. */
  readonly limitedBy: "TestInvokeAuthorizer" | "Connect" | "client-id" | null;
}

/** What a sample would exclude, should none of it fail. */
export interface PlanSample {
  readonly devices: number;
  readonly ofDevices: number;
  readonly confidence: number;
  readonly groups: readonly {
    readonly target: string;
    readonly cohort: string;
    readonly devices: number;
    readonly ofDevices: number;
    /** Rates above this one would be excluded, 0..1. */
    readonly failureRate: number;
  }[];
  readonly remarks: readonly string[];
}

/** What a run would do, derived checks apart, from profiles and configuration alone. Nothing in it is asked from AWS. */
export interface Plan {
  readonly suite: string;
  readonly profiles: number;
  readonly checks: number;
  readonly guarded: number;
  /** Control-plane calls by operation: TestInvokeAuthorizer at most, the others about. */
  readonly apiCalls: Readonly<Record<string, number>>;
  readonly connects: number;
  readonly lambdaInvocations: number;
  readonly derived: DerivedCost;
  /** The least that budgets and client ids allow; the devices' own latency comes on top. */
  readonly duration: PlanFloor;
  /** In order of first appearance. */
  readonly groups: readonly PlanGroup[];
  readonly budgets: readonly PlanBudget[];
  /** With `on-disagreement`, calls for devices that the gateway treats otherwise than expected come on top. */
  readonly authorizer: Suite["authorizer"];
  /** Omitted: every device is tested. */
  readonly sample?: PlanSample;
  readonly warnings: readonly PlanWarning[];
}
