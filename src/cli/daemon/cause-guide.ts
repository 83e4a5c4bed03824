import { CAUSE_CODES, type CauseCode, FAULTS, type Fault } from "../../model/causes.ts";
import type { CauseGuide, CauseSeverity } from "../../model/overview.ts";
import { CAUSES } from "../../verdict/causes.ts";

/** Somebody gets in, or may do what is not theirs to do. */
const OPEN_DOORS: readonly CauseCode[] = [
  "UNEXPECTED_ACCEPT",
  "AUTHORIZER_ALLOWED_EXPECTED_DENY",
  "POLICY_TOO_OPEN",
];
const OWN_SIDE: readonly Fault[] = ["caller", "guard", "tester"];

/** docs/causes.md for programs. */
export const CAUSE_GUIDE: readonly CauseGuide[] = FAULTS.flatMap((fault) =>
  CAUSE_CODES[fault].map((code) => {
    const { meaning, nextStep, reading } = CAUSES[code];
    return {
      ...{ code, fault, severity: severityOf(code, fault), meaning, nextStep },
      docs: `docs/causes.md#${code.toLowerCase()}`,
      reading: reading === null ? null : `https://docs.aws.amazon.com/${reading}`,
    };
  }),
);

function severityOf(code: CauseCode, fault: Fault): CauseSeverity {
  if (OPEN_DOORS.includes(code)) return "critical";
  return OWN_SIDE.includes(fault) ? "notice" : "error";
}
