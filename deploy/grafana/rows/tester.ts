import { metric, recent } from "../../prometheus/rules.ts";
import type { RowSpec } from "../panel-spec.ts";
import { GROUP, gained, SUITE, TARGET } from "../queries.ts";

/** fleet-smoke itself. */
export const TESTER_ROWS: readonly RowSpec[] = [
  {
    title: "fleet-smoke itself",
    panels: [
      {
        title: "State",
        description: "0 is well.",
        kind: "stat",
        queries: [
          { expr: `max(${metric("paused")})`, legend: "paused" },
          { expr: `1 - min(${metric("config_last_reload_successful")})`, legend: "reload refused" },
          { expr: `sum(${metric("profiles_invalid")})`, legend: "profiles unreadable" },
          { expr: `sum(${recent(metric("overrides_total", SUITE), "$__range")})`, legend: "overrides" },
        ],
        unit: "short",
        width: 12,
        look: "alarm",
      },
      {
        title: "What ends next",
        description: "Until the gateway's certificates and the credentials of cohorts end.",
        kind: "stat",
        queries: [
          {
            expr: `min by (target) (${metric("server_certificate_expiry_timestamp_seconds", TARGET)}) - time()`,
            legend: "certificate of {{target}}",
          },
          {
            expr: `min by (cohort) (${metric("credential_expiry_timestamp_seconds", 'cohort=~"$cohort"')}) - time()`,
            legend: "credentials of {{cohort}}",
          },
        ],
        unit: "s",
        width: 12,
        look: "expiry",
      },
      {
        title: "Duration of runs",
        description: "Mean of the runs that came to a decision.",
        kind: "lines",
        queries: [
          {
            expr: `${gained("suite", metric("run_duration_seconds_sum", SUITE))} / (${gained("suite", metric("run_duration_seconds_count", SUITE))} > 0)`,
            legend: "{{suite}}",
          },
        ],
        unit: "s",
        width: 6,
      },
      {
        title: "Profiles",
        description: "Valid device profiles of each cohort.",
        kind: "lines",
        queries: [{ expr: `sum by (cohort) (${metric("profiles", GROUP)})`, legend: "{{cohort}}" }],
        unit: "short",
        width: 6,
      },
      {
        title: "Memory",
        description: "Resident memory of the daemon.",
        kind: "lines",
        queries: [
          {
            expr: `process_resident_memory_bytes and on (job, instance) ${metric("build_info")}`,
            legend: "{{instance}}",
          },
        ],
        unit: "bytes",
        width: 6,
      },
      {
        title: "Event loop lag",
        description: "99th percentile; while it is high, measured times are too.",
        kind: "lines",
        queries: [
          {
            expr: `nodejs_eventloop_lag_p99_seconds and on (job, instance) ${metric("build_info")}`,
            legend: "{{instance}}",
          },
        ],
        unit: "s",
        width: 6,
      },
    ],
  },
];
