import { CAUSE_CODES, type CauseCode } from "../../src/model/causes.ts";
import { metric } from "./rules.ts";

/** Causes of the caller and the tester that have an alert of their own, or are no fault. */
const NO_FAULT: readonly CauseCode[] = ["API_THROTTLED", "INTERRUPTED"];

/** Causes that say that fleet-smoke could not do its work, whatever the devices are like. */
export const OWN_FAULTS: readonly CauseCode[] = [
  ...[...CAUSE_CODES.caller, ...CAUSE_CODES.tester].filter((code) => !NO_FAULT.includes(code)),
  "CREDENTIAL_UNAVAILABLE",
];

/** Names that AWS gives to throttling (docs/aws.md, Errors). */
export const THROTTLING = [
  "ThrottlingException",
  "Throttling",
  "TooManyRequestsException",
  "RequestLimitExceeded",
];

/** The decision on whole suites. */
export function decision(state: "go" | "no-go" | "inconclusive"): string {
  return metric("gate_state", `target="",cohort="",state="${state}"`);
}

/** The decision on parts of suites. */
export function partDecision(state: "no-go"): string {
  return metric("gate_state", `cohort!="",state="${state}"`);
}

/** A label matcher for any of these values. */
export function anyOf(label: string, values: readonly string[]): string {
  return `${label}=~"${values.join("|")}"`;
}
