import type { RowSpec } from "./panel-spec.ts";
import { DECISION_ROWS } from "./rows/decision.ts";
import { TESTER_ROWS } from "./rows/tester.ts";
import { TIMING_ROWS } from "./rows/timing.ts";
import { VERDICTS_ROWS } from "./rows/verdicts.ts";

/** The dashboard from top to bottom. */
export const ROWS: readonly RowSpec[] = [...DECISION_ROWS, ...VERDICTS_ROWS, ...TIMING_ROWS, ...TESTER_ROWS];
