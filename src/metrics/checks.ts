import { authorizerWord, transportOf } from "../lib/words.ts";
import { CAUSE_CODES, type CauseCode } from "../model/causes.ts";
import type { Invocation } from "../model/invocation.ts";
import type { Result } from "../model/result.ts";
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
export function recordCheck(
  instruments: Instruments,
  bounds: Bounds,
  location: string,
  result: Result,
): void {
  const { check, verdict, outcome } = result;
  const target = labelValue(check.profile.target);
  const where = {
    target,
    cohort: bounds.cohort.of(check.profile.cohort),
    protocol: check.protocol,
    location,
  };
  countVerdict(instruments, where, result);
  const cause = verdict.causes[0]?.code ?? "TESTER_ERROR";
  if (verdict.kind === "fail") instruments.check_failures_total.inc({ ...where, cause });
  if (verdict.kind === "inconclusive") instruments.checks_inconclusive_total.inc({ ...where, cause });
  if (outcome.kind === "skipped" && GUARDS.has(outcome.cause)) {
    instruments.guard_skips_total.inc({ target, cause: outcome.cause, location });
  }
  recordTimings(instruments, bounds, location, result);
}

interface Where {
  readonly target: string;
  readonly cohort: string;
  readonly protocol: string;
  readonly location: string;
}

/** A device as it is counts where ratios are made; a corrupted one elsewhere. */
function countVerdict(instruments: Instruments, where: Where, result: Result): void {
  const { check, verdict, invocation, outcome } = result;
  if (check.derived !== null) {
    instruments.derived_checks_total.inc({ ...where, derived: check.derived, verdict: verdict.kind });
    return;
  }
  instruments.checks_total.inc({ ...where, expectation: check.expectation, verdict: verdict.kind });
  const { target, protocol, location } = where;
  instruments.agreement_total.inc({
    target,
    protocol,
    authorizer_answer: authorizerWord(invocation),
    gateway_outcome: outcome.kind,
    location,
  });
}

function recordTimings(instruments: Instruments, bounds: Bounds, location: string, result: Result): void {
  const { check, invocation, outcome } = result;
  const target = labelValue(check.profile.target);
  const asked = answered(invocation);
  if (asked !== null) {
    const authorizer = bounds.authorizer.of(asked.authorizer);
    instruments.authorizer_duration_seconds.observe(
      { target, authorizer, location },
      asked.durationMs / 1000,
    );
  }
  const transport = transportOf(outcome);
  if (transport === null) return;
  const { protocol } = check;
  instruments.gateway_duration_seconds.observe(
    { target, protocol, outcome: outcome.kind, location },
    transport.durationMs / 1000,
  );
  for (const [phase, ms] of Object.entries(transport.phasesMs)) {
    instruments.gateway_phase_duration_seconds.observe({ target, protocol, phase, location }, ms / 1000);
  }
  if (transport.certificateExpiresAtMs !== null) {
    instruments.server_certificate_expiry_timestamp_seconds.set(
      { target },
      transport.certificateExpiresAtMs / 1000,
    );
  }
}

/** A call that was throttled or went wrong on our side says nothing about how fast an authorizer is. */
function answered(
  invocation: Invocation,
): { readonly authorizer: string; readonly durationMs: number } | null {
  if (invocation.kind === "no-authorizer" || invocation.kind === "skipped") return null;
  const { authorizer, durationMs } = invocation;
  if (authorizer === null || durationMs === null) return null;
  if (invocation.kind === "errored" && invocation.why !== "response" && invocation.why !== "signature") {
    return null;
  }
  return { authorizer, durationMs };
}
