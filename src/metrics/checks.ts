import { CAUSE_CODES, type CauseCode } from "../model/causes.ts";
import type { JudgedCheck, ResultRecord } from "../model/result.ts";
import type { Instruments } from "./instruments.ts";
import { type BoundedLabel, labelValue } from "./labels.ts";

/** The labels whose values come from outside. */
export interface Bounds {
  readonly cohort: BoundedLabel;
  readonly authorizer: BoundedLabel;
  readonly code: BoundedLabel;
}

const GUARDS: ReadonlySet<CauseCode> = new Set(CAUSE_CODES.guard);

/** Counts one judged check. */
export function recordCheck(instruments: Instruments, bounds: Bounds, judged: JudgedCheck): void {
  const { record, skippedFor } = judged;
  const { verdict, protocol } = record;
  const target = labelValue(record.target);
  const location = labelValue(record.location);
  const where = { target, cohort: bounds.cohort.of(record.cohort), protocol, location };
  countVerdict(instruments, where, record);
  const cause = record.causes[0]?.code ?? "TESTER_ERROR";
  if (verdict === "fail") instruments.check_failures_total.inc({ ...where, cause });
  if (verdict === "inconclusive") instruments.checks_inconclusive_total.inc({ ...where, cause });
  if (skippedFor !== null && GUARDS.has(skippedFor)) {
    instruments.guard_skips_total.inc({ target, cause: skippedFor, location });
  }
  recordTimings(instruments, bounds, where, judged);
}

interface Where {
  readonly target: string;
  readonly cohort: string;
  readonly protocol: string;
  readonly location: string;
}

/** A device as it is counts where ratios are made; a corrupted one elsewhere. */
function countVerdict(instruments: Instruments, where: Where, record: ResultRecord): void {
  const { derived, verdict, expectation } = record;
  if (derived !== null) {
    instruments.derived_checks_total.inc({ ...where, derived, verdict });
    return;
  }
  instruments.checks_total.inc({ ...where, expectation, verdict });
  const { target, protocol, location } = where;
  instruments.agreement_total.inc({
    target,
    protocol,
    authorizer_answer: record.authorizer,
    gateway_outcome: record.gateway,
    location,
  });
}

function recordTimings(
  instruments: Instruments,
  bounds: Bounds,
  { target, protocol, location }: Where,
  { record, connectionSeconds }: JudgedCheck,
): void {
  const { authorizerName, certificateExpiresAt, gateway, timings } = record;
  if (authorizerName !== null && timings.invokeSeconds !== null && isAuthorizersOwn(record)) {
    const authorizer = bounds.authorizer.of(authorizerName);
    instruments.authorizer_duration_seconds.observe({ target, authorizer, location }, timings.invokeSeconds);
  }
  if (timings.discarded)
    instruments.timings_discarded_total.inc({ target, location }, timings.discarded.length);
  if (connectionSeconds !== null) {
    instruments.gateway_duration_seconds.observe(
      { target, protocol, outcome: gateway, location },
      connectionSeconds,
    );
  }
  for (const [phase, seconds] of Object.entries(timings.phases)) {
    instruments.gateway_phase_duration_seconds.observe({ target, protocol, phase, location }, seconds);
  }
  if (certificateExpiresAt !== null) {
    const expiresAtSeconds = Date.parse(certificateExpiresAt) / 1000;
    instruments.server_certificate_expiry_timestamp_seconds.set({ target }, expiresAtSeconds);
  }
}

/** A call that was throttled or went wrong on our side says nothing about how fast an authorizer is. */
function isAuthorizersOwn({ authorizerError }: ResultRecord): boolean {
  return authorizerError === null || ["response", "signature"].includes(authorizerError.why);
}
