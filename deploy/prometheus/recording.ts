import { authorizerP95 } from "./alerts.ts";
import { DAEMON, type Group, metric, type Recording, recent, SUITE } from "./rules.ts";
import { anyOf, decision, THROTTLING } from "./selectors.ts";

const WINDOW = "30m";

/** What dashboards and rollout queries ask again and again; named `level:metric:operation`. */
export const RECORDINGS: readonly Group<Recording>[] = [
  {
    name: "fleet-smoke-recording",
    rules: [
      {
        // 1: a go that still holds and no run that may revoke it; a rollout asks this one series.
        record: "suite:fleet_smoke_gate_open:bool",
        expr: `${decision("go")} == bool 1 and on (${SUITE}) ${metric("gate_expiry_timestamp_seconds")} > time() unless on (${SUITE}) ${metric("run_in_progress")} == 1 or on (${SUITE}) ${decision("go")} * 0`,
      },
      {
        record: "suite_target_cohort:fleet_smoke_last_run_pass:ratio",
        expr: `${lastRun('verdict="pass"')} / (${lastRun('verdict=~"pass|fail"')} > 0)`,
      },
      {
        record: "target_authorizer:fleet_smoke_authorizer_duration_seconds:p95_30m",
        expr: authorizerP95(WINDOW),
      },
      {
        record: "target_protocol:fleet_smoke_gateway_duration_seconds:p95_30m",
        expr: `histogram_quantile(0.95, sum by (${DAEMON}, target, protocol, le) (${recent(metric("gateway_duration_seconds_bucket"), WINDOW)}))`,
      },
      {
        record: "target_operation:fleet_smoke_aws_requests_throttled:increase30m",
        expr: `sum by (${DAEMON}, target, operation) (${recent(metric("aws_requests_total", anyOf("code", THROTTLING)), WINDOW)})`,
      },
    ],
  },
];

function lastRun(matchers: string): string {
  return `sum by (${SUITE}, target, cohort) (${metric("last_run_checks", matchers)})`;
}
