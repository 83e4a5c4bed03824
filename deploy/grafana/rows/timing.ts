import { metric } from "../../prometheus/rules.ts";
import { anyOf, THROTTLING } from "../../prometheus/selectors.ts";
import type { RowSpec } from "../panel-spec.ts";
import { gained, quantile, RATE, TARGET } from "../queries.ts";

/** How long things take, and how much of the quotas. */
export const TIMING_ROWS: readonly RowSpec[] = [
  {
    title: "Authorizer latency against the limit of 5 s",
    panels: [
      {
        title: "Percentiles",
        description: "Of TestInvokeAuthorizer, all authorizers. AWS IoT gives an authorizer 5 s.",
        kind: "lines",
        queries: [0.5, 0.95, 0.99].map((q) => ({
          expr: quantile(q, "", "authorizer_duration_seconds", TARGET),
          legend: `p${q * 100}`,
        })),
        unit: "s",
        width: 12,
        look: "authorizer-limit",
      },
      {
        title: "95th percentile of each authorizer",
        description: "Waiting for a budget is left out.",
        kind: "lines",
        queries: [
          {
            expr: quantile(0.95, "target, authorizer, ", "authorizer_duration_seconds", TARGET),
            legend: "{{authorizer}} on {{target}}",
          },
        ],
        unit: "s",
        width: 12,
        look: "authorizer-limit",
      },
    ],
  },
  {
    title: "Gateway",
    panels: [
      {
        title: "95th percentile of connections",
        description: "From name resolution to the outcome.",
        kind: "lines",
        queries: [
          {
            expr: quantile(0.95, "target, protocol, ", "gateway_duration_seconds", TARGET),
            legend: "{{protocol}} on {{target}}",
          },
        ],
        unit: "s",
        width: 12,
      },
      {
        title: "Where the time goes",
        description: "Mean time of each phase: they follow each other and sum to the whole.",
        kind: "bars",
        queries: [
          {
            expr: `${gained("phase", metric("gateway_phase_duration_seconds_sum", TARGET))} / (${gained("phase", metric("gateway_phase_duration_seconds_count", TARGET))} > 0)`,
            legend: "{{phase}}",
          },
        ],
        unit: "s",
        width: 12,
      },
    ],
  },
  {
    title: "Budget and throttling",
    panels: [
      {
        title: "Used of the budget",
        description: "Operations a second, beside what the configuration allows.",
        kind: "lines",
        queries: [
          {
            expr: `sum by (target, operation) (rate(${metric("budget_used_total", TARGET)}[${RATE}]))`,
            legend: "{{operation}} on {{target}}",
          },
          {
            expr: `max by (target, operation) (${metric("budget_limit", TARGET)})`,
            legend: "limit: {{operation}} on {{target}}",
          },
        ],
        unit: "ops",
        width: 12,
      },
      {
        title: "AWS requests that failed",
        description: "By operation and error.",
        kind: "bars",
        queries: [
          {
            expr: `${gained("operation, code", metric("aws_requests_total", `${TARGET},code!="ok"`))} > 0`,
            legend: "{{operation}}: {{code}}",
          },
        ],
        unit: "short",
        width: 6,
      },
      {
        title: "Throttled",
        description: "Requests that AWS throttled, in the time shown.",
        kind: "stat",
        queries: [
          {
            expr: gained(
              "target",
              metric("aws_requests_total", `${TARGET},${anyOf("code", THROTTLING)}`),
              "$__range",
            ),
            legend: "{{target}}",
          },
        ],
        unit: "short",
        width: 6,
        look: "alarm",
      },
    ],
  },
];
