import { metric } from "../../prometheus/rules.ts";
import type { RowSpec } from "../panel-spec.ts";
import { GROUP, gained, SUITE, TARGET } from "../queries.ts";

/** What came of the checks, and why. */
export const VERDICTS_ROWS: readonly RowSpec[] = [
  {
    title: "Pass, fail, inconclusive",
    panels: [
      {
        title: "Last run",
        description: "Checks of each suite's last run by verdict; derived ones left out.",
        kind: "bars",
        queries: [
          {
            expr: `sum by (verdict) (${metric("last_run_checks", `${SUITE},${GROUP}`)})`,
            legend: "{{verdict}}",
          },
        ],
        unit: "short",
        width: 12,
        look: "verdict",
      },
      {
        title: "Share of passes",
        description: "pass ÷ (pass + fail) of each cohort in the last run.",
        kind: "lines",
        queries: [
          {
            expr: `sum by (suite, target, cohort) (${metric("last_run_checks", `${SUITE},${GROUP},verdict="pass"`)}) / (sum by (suite, target, cohort) (${metric("last_run_checks", `${SUITE},${GROUP},verdict=~"pass|fail"`)}) > 0)`,
            legend: "{{cohort}} on {{target}}",
          },
        ],
        unit: "percentunit",
        width: 12,
      },
      {
        title: "Checks as they are judged",
        description: "By verdict, all suites together.",
        kind: "bars",
        queries: [{ expr: gained("verdict", metric("checks_total", GROUP)), legend: "{{verdict}}" }],
        unit: "short",
        width: 12,
        look: "verdict",
      },
      {
        title: "Corrupted on purpose",
        description:
          "Derived checks by what was corrupted and their verdict: each must be denied, which is a pass.",
        kind: "bars",
        queries: [
          {
            expr: gained("derived, verdict", metric("derived_checks_total", GROUP)),
            legend: "{{derived}}: {{verdict}}",
          },
        ],
        unit: "short",
        width: 12,
      },
    ],
  },
  {
    title: "Causes",
    panels: [
      {
        title: "Failures by cause",
        description: "docs/causes.md has the next step for each.",
        kind: "bars",
        queries: [
          { expr: `${gained("cause", metric("check_failures_total", GROUP))} > 0`, legend: "{{cause}}" },
        ],
        unit: "short",
        width: 12,
      },
      {
        title: "Inconclusive by cause",
        description: "What kept checks from proving anything.",
        kind: "bars",
        queries: [
          { expr: `${gained("cause", metric("checks_inconclusive_total", GROUP))} > 0`, legend: "{{cause}}" },
        ],
        unit: "short",
        width: 12,
      },
      {
        title: "Connections not made",
        description: "Because they could have harmed a live device.",
        kind: "bars",
        queries: [{ expr: gained("cause", metric("guard_skips_total", TARGET)), legend: "{{cause}}" }],
        unit: "short",
        width: 12,
      },
      {
        title: "Unexpected accepts",
        description: "Devices that got in and must not, in the time shown.",
        kind: "stat",
        queries: [
          {
            expr: gained(
              "target, cohort",
              metric("check_failures_total", `${GROUP},cause="UNEXPECTED_ACCEPT"`),
              "$__range",
            ),
            legend: "{{cohort}} on {{target}}",
          },
        ],
        unit: "short",
        width: 12,
        look: "alarm",
      },
    ],
  },
  {
    title: "Agreement",
    panels: [
      {
        title: "Authorizer (rows) × gateway (columns)",
        description:
          "Checks by what TestInvokeAuthorizer answered and what the gateway did, in the time shown.",
        kind: "matrix",
        queries: [
          {
            expr: gained("authorizer_answer, gateway_outcome", metric("agreement_total", TARGET), "$__range"),
            legend: "",
          },
        ],
        unit: "short",
        width: 12,
      },
      {
        title: "Allowed by the authorizer, refused by the gateway",
        description: "What an API call alone would never have shown.",
        kind: "bars",
        queries: [
          {
            expr: gained(
              "target, protocol",
              metric("agreement_total", `${TARGET},authorizer_answer="allowed",gateway_outcome="refused"`),
            ),
            legend: "{{target}} {{protocol}}",
          },
        ],
        unit: "short",
        width: 12,
      },
    ],
  },
];
