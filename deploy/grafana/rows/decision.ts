import { metric } from "../../prometheus/rules.ts";
import type { RowSpec } from "../panel-spec.ts";
import { decisionCode, GROUP, SUITE, WHOLE } from "../queries.ts";

/** What is decided. */
export const DECISION_ROWS: readonly RowSpec[] = [
  {
    title: "Decision now",
    panels: [
      {
        title: "Decision",
        description: "Of the last run of each suite, whatever its age.",
        kind: "stat",
        queries: [{ expr: decisionCode(WHOLE, "suite"), legend: "{{suite}}" }],
        unit: "short",
        width: 6,
        look: "decision",
      },
      {
        title: "Holds for",
        description: "Until the decision is out of date; negative: since when it has been.",
        kind: "stat",
        queries: [
          {
            expr: `max by (suite) (${metric("gate_expiry_timestamp_seconds", SUITE)}) - time()`,
            legend: "{{suite}}",
          },
        ],
        unit: "s",
        width: 6,
        look: "expiry",
      },
      {
        title: "Since the last go",
        description: "Time since a run of the suite came to go.",
        kind: "stat",
        queries: [
          {
            expr: `time() - max by (suite) (${metric("last_go_timestamp_seconds", SUITE)})`,
            legend: "{{suite}}",
          },
        ],
        unit: "s",
        width: 6,
      },
      {
        title: "Under way",
        description: "Suites that are running now.",
        kind: "stat",
        queries: [{ expr: `max by (suite) (${metric("run_in_progress", SUITE)})`, legend: "{{suite}}" }],
        unit: "short",
        width: 6,
      },
      {
        title: "Decisions",
        description: "Of each suite over time.",
        kind: "timeline",
        queries: [{ expr: decisionCode(WHOLE, "suite"), legend: "{{suite}}" }],
        unit: "short",
        width: 12,
        look: "decision",
      },
      {
        title: "Decisions of cohorts",
        description: "Each cohort of each target is held to the rules by itself.",
        kind: "timeline",
        queries: [
          {
            expr: decisionCode(`${SUITE},${GROUP},cohort!=""`, "suite, target, cohort"),
            legend: "{{suite}} {{cohort}} on {{target}}",
          },
        ],
        unit: "short",
        width: 12,
        look: "decision",
      },
      {
        title: "Rules: observed",
        description: "What each rule measured on the whole suite in the last run.",
        kind: "table",
        queries: [{ expr: metric("gate_rule_observed", SUITE), legend: "observed" }],
        unit: "short",
        width: 12,
      },
      {
        title: "Rules: threshold",
        description: "What each rule asks of the whole suite.",
        kind: "table",
        queries: [{ expr: metric("gate_rule_threshold", SUITE), legend: "threshold" }],
        unit: "short",
        width: 12,
      },
    ],
  },
];
