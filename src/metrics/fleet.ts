import { quotaOwner } from "../lib/pacing.ts";
import { realm } from "../lib/words.ts";
import { DECISIONS } from "../model/gate.ts";
import type { Outcome } from "../model/outcome.ts";
import type { AccountLimits } from "../model/preflight.ts";
import { type Access, PROTOCOLS } from "../model/profile.ts";
import type { Realm } from "../model/realm.ts";
import { type AuthorizerWord, VERDICTS } from "../model/result.ts";
import type { Target } from "../model/target.ts";
import type { Bounds } from "./checks.ts";
import { type Instruments, retainSeries } from "./instruments.ts";
import { labelValue, OVERFLOW } from "./labels.ts";

/** What the configuration and the profile sources hold, whole: whatever is not in it has left. */
export interface Fleet {
  readonly groups: readonly {
    readonly target: string;
    readonly cohort: string;
    readonly profiles: number;
  }[];
  /** Profiles that cannot be read. */
  readonly invalid: number;
  readonly targets: readonly Target[];
  readonly suites: readonly SuiteNames[];
}

export interface SuiteNames {
  readonly name: string;
  /** Cohorts it names; one of them may be in no source. */
  readonly cohorts: readonly string[];
}

const EXPECTATIONS: readonly Access[] = ["allow", "deny"];
const ANSWERS: readonly AuthorizerWord[] = ["allowed", "denied", "errored", "skipped"];
const OUTCOMES: readonly Outcome["kind"][] = ["accepted", "refused", "unreachable", "broken", "skipped"];

/** Exports the fleet's size and targets, starts its counters at zero and removes the series of what has left. */
export async function exportFleet(
  instruments: Instruments,
  bounds: Bounds,
  location: string,
  fleet: Fleet,
): Promise<void> {
  bounds.cohort.retain(fleet.groups.map(({ cohort }) => cohort));
  exportSizes(instruments, bounds, fleet);
  startAtZero(instruments, bounds, location, fleet);
  startSuitesAtZero(instruments, fleet.suites);
  await removeLeft(instruments, fleet);
}

function exportSizes(instruments: Instruments, bounds: Bounds, { groups, invalid }: Fleet): void {
  instruments.profiles.reset();
  for (const { target, cohort, profiles } of groups) {
    // Added, not set: several cohorts may share `_overflow`.
    instruments.profiles.inc({ target: labelValue(target), cohort: bounds.cohort.of(cohort) }, profiles);
  }
  instruments.profiles_invalid.set(invalid);
}

/** null: no limit is known. */
function lowest(limits: readonly (number | null)[]): number {
  return Math.min(...limits.map((limit) => limit ?? Number.POSITIVE_INFINITY));
}

/**
 * @param realms of targets whose answers showed who gives them; for the others the configuration tells
 * @param allowed what accounts allow, by target where that was read
 */
export function exportTargets(
  instruments: Instruments,
  targets: readonly Target[],
  realms: ReadonlyMap<string, Realm>,
  allowed: ReadonlyMap<string, AccountLimits>,
): void {
  instruments.target_info.reset();
  instruments.budget_limit.reset();
  for (const each of targets) {
    const target = labelValue(each.name);
    instruments.target_info.set(
      {
        target,
        aws_account: labelValue(each.accountId),
        aws_region: labelValue(each.region),
        endpoint: labelValue(each.endpoint ?? ""),
        realm: realms.get(each.name) ?? realm(each),
      },
      1,
    );
    // Targets of one account and Region share a budget, and the lowest limit holds.
    const all = targets
      .filter((other) => quotaOwner(other) === quotaOwner(each))
      .flatMap((other) => [other.budgets, allowed.get(other.name) ?? []].flat());
    const limits = {
      TestInvokeAuthorizer: lowest(all.map(({ invokesPerSecond }) => invokesPerSecond)),
      Connect: lowest(all.map(({ connectsPerSecond }) => connectsPerSecond)),
    };
    for (const [operation, limit] of Object.entries(limits)) {
      instruments.budget_limit.set({ target, operation }, limit);
    }
  }
}

/** What suites last showed is theirs as long as they are in the configuration. */
async function removeLeftSuites(
  instruments: Instruments,
  suites: readonly SuiteNames[],
  targets: ReadonlySet<string>,
  cohorts: ReadonlySet<string>,
): Promise<void> {
  const named = new Map(suites.map(({ name, cohorts: own }) => [labelValue(name), own.map(labelValue)]));
  const bySuite = [
    instruments.runs_total,
    instruments.run_duration_seconds,
    instruments.run_in_progress,
    instruments.run_last_progress_timestamp_seconds,
    instruments.last_run_timestamp_seconds,
    instruments.last_go_timestamp_seconds,
    instruments.gate_expiry_timestamp_seconds,
    instruments.gate_rule_threshold,
    instruments.gate_rule_observed,
    instruments.overrides_total,
  ];
  for (const metric of bySuite) await retainSeries(metric, ({ suite }) => named.has(String(suite)));
  // Both empty: the whole suite; the target alone: no source says which one a missing cohort has.
  const isThere = (target: string, suite: string, cohort: string) =>
    (target === "" || targets.has(target)) &&
    (cohort === "" || cohorts.has(cohort) || (named.get(suite)?.includes(cohort) ?? false));
  for (const metric of [instruments.last_run_checks, instruments.gate_state]) {
    await retainSeries(
      metric,
      ({ suite, target, cohort }) =>
        named.has(String(suite)) && isThere(String(target), String(suite), String(cohort)),
    );
  }
}

/** A counter that appears only with its first event hides that event from `increase()`. */
function startAtZero(instruments: Instruments, bounds: Bounds, location: string, fleet: Fleet): void {
  for (const group of fleet.groups) {
    const place = { target: labelValue(group.target), cohort: bounds.cohort.of(group.cohort), location };
    for (const protocol of PROTOCOLS) {
      instruments.check_failures_total.inc({ ...place, protocol, cause: "UNEXPECTED_ACCEPT" }, 0);
      for (const expectation of EXPECTATIONS) {
        for (const verdict of VERDICTS) {
          instruments.checks_total.inc({ ...place, protocol, expectation, verdict }, 0);
        }
      }
    }
  }
  for (const { name } of fleet.targets) {
    const target = labelValue(name);
    instruments.timings_discarded_total.inc({ target, location }, 0);
    for (const protocol of PROTOCOLS) {
      for (const authorizer_answer of ANSWERS) {
        for (const gateway_outcome of OUTCOMES) {
          instruments.agreement_total.inc(
            { target, protocol, authorizer_answer, gateway_outcome, location },
            0,
          );
        }
      }
    }
  }
}

/** A suite that has not run yet, or not since the start, is told from one that is not there. */
function startSuitesAtZero(instruments: Instruments, suites: readonly SuiteNames[]): void {
  for (const { name } of suites) {
    const suite = labelValue(name);
    instruments.overrides_total.inc({ suite }, 0);
    instruments.run_in_progress.inc({ suite }, 0);
    for (const decision of [...DECISIONS, "none"]) instruments.runs_total.inc({ suite, decision }, 0);
  }
}

async function removeLeft(instruments: Instruments, fleet: Fleet): Promise<void> {
  const targets = new Set(fleet.targets.map(({ name }) => labelValue(name)));
  const cohorts = new Set([OVERFLOW, ...fleet.groups.map(({ cohort }) => labelValue(cohort))]);
  const byTarget = [
    instruments.guard_skips_total,
    instruments.agreement_total,
    instruments.authorizer_duration_seconds,
    instruments.gateway_duration_seconds,
    instruments.gateway_phase_duration_seconds,
    instruments.aws_requests_total,
    instruments.budget_used_total,
    instruments.server_certificate_expiry_timestamp_seconds,
    instruments.timings_discarded_total,
  ];
  for (const metric of byTarget) await retainSeries(metric, ({ target }) => targets.has(String(target)));
  const byGroup = [
    instruments.checks_total,
    instruments.derived_checks_total,
    instruments.check_failures_total,
    instruments.checks_inconclusive_total,
  ];
  for (const metric of byGroup) {
    await retainSeries(
      metric,
      ({ target, cohort }) => targets.has(String(target)) && cohorts.has(String(cohort)),
    );
  }
  await removeLeftSuites(instruments, fleet.suites, targets, cohorts);
  for (const metric of [
    instruments.credential_fetch_failures_total,
    instruments.credential_expiry_timestamp_seconds,
  ]) {
    await retainSeries(metric, ({ cohort }) => cohorts.has(String(cohort)));
  }
}
