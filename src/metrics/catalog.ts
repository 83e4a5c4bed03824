/** Every metric's name starts with it. */
export const PREFIX = "fleet_smoke_";

/** One metric as data: what is registered, documented and tested is made from it. */
export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
  readonly help: string;
  readonly labels: readonly string[];
  /** Upper bounds in seconds; histograms only. */
  readonly buckets?: readonly number[];
}

/** AWS IoT gives an authorizer's Lambda 5 seconds (config-custom-auth): 5 must be an edge. */
const AUTHORIZER_BUCKETS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
const GATEWAY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30] as const;
/** A name lookup or TCP handshake within a Region takes about a millisecond. */
const PHASE_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;
const RUN_BUCKETS = [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400] as const;

/** The metrics of design 6.5, without their prefix. Device ids are never labels. */
export const CATALOG = {
  checks_total: {
    type: "counter",
    help: "Checks of plans judged; derived ones are in derived_checks_total, so that ratios of verdicts are the devices' own.",
    labels: ["target", "cohort", "protocol", "expectation", "verdict", "location"],
  },
  derived_checks_total: {
    type: "counter",
    help: "Deliberately corrupted checks judged, by what was corrupted; each must be denied, which is a pass.",
    labels: ["target", "cohort", "protocol", "derived", "verdict", "location"],
  },
  check_failures_total: {
    type: "counter",
    help: "Checks that failed, derived ones included, by their first cause.",
    labels: ["target", "cohort", "protocol", "cause", "location"],
  },
  checks_inconclusive_total: {
    type: "counter",
    help: "Checks that proved nothing, derived ones included, by their first cause.",
    labels: ["target", "cohort", "protocol", "cause", "location"],
  },
  guard_skips_total: {
    type: "counter",
    help: "Gateway connections not made because they could have harmed a live device.",
    labels: ["target", "cause", "location"],
  },
  agreement_total: {
    type: "counter",
    help: "Checks by what TestInvokeAuthorizer answered and what the gateway did; derived ones left out.",
    labels: ["target", "protocol", "authorizer_answer", "gateway_outcome", "location"],
  },
  authorizer_duration_seconds: {
    type: "histogram",
    help: "Time of TestInvokeAuthorizer calls that AWS answered about the device; waiting for a budget is left out.",
    labels: ["target", "authorizer", "location"],
    buckets: AUTHORIZER_BUCKETS,
  },
  gateway_duration_seconds: {
    type: "histogram",
    help: "Time of one gateway connection from name resolution to its outcome; waiting for a budget is left out.",
    labels: ["target", "protocol", "outcome", "location"],
    buckets: GATEWAY_BUCKETS,
  },
  gateway_phase_duration_seconds: {
    type: "histogram",
    help: "Time of the consecutive phases of one gateway connection; they sum to its duration.",
    labels: ["target", "protocol", "phase", "location"],
    buckets: PHASE_BUCKETS,
  },
  aws_requests_total: {
    type: "counter",
    help: "Requests to the AWS control plane by result: ok, or the error's name.",
    labels: ["target", "operation", "code"],
  },
  budget_limit: {
    type: "gauge",
    help: "Budget in operations per second: the lowest of the targets of its account and Region, and of what Service Quotas says where it is read.",
    labels: ["target", "operation"],
  },
  budget_used_total: {
    type: "counter",
    help: "Operations the budget let through.",
    labels: ["target", "operation"],
  },
  runs_total: {
    type: "counter",
    help: "Runs that ended, by decision; none: it ended without one.",
    labels: ["suite", "decision"],
  },
  run_duration_seconds: {
    type: "histogram",
    help: "Duration of runs that came to a decision.",
    labels: ["suite"],
    buckets: RUN_BUCKETS,
  },
  run_in_progress: {
    type: "gauge",
    help: "1 while a run of the suite is going on.",
    labels: ["suite"],
  },
  run_last_progress_timestamp_seconds: {
    type: "gauge",
    help: "When a run of the suite last got on: it started, finished a check or ended.",
    labels: ["suite"],
  },
  last_run_timestamp_seconds: {
    type: "gauge",
    help: "When the last run that came to a decision ended.",
    labels: ["suite"],
  },
  last_run_checks: {
    type: "gauge",
    help: "Checks of the last run by verdict, derived ones left out.",
    labels: ["suite", "target", "cohort", "verdict"],
  },
  last_go_timestamp_seconds: {
    type: "gauge",
    help: "When the last run that came to go ended.",
    labels: ["suite"],
  },
  gate_state: {
    type: "gauge",
    help: "1 for the decision of the last run, 0 for the others; empty target and cohort: the whole suite.",
    labels: ["suite", "target", "cohort", "state"],
  },
  gate_expiry_timestamp_seconds: {
    type: "gauge",
    help: "Until when the last decision may be relied on.",
    labels: ["suite"],
  },
  gate_rule_threshold: {
    type: "gauge",
    help: "Threshold of a gate rule for the whole suite in the last run.",
    labels: ["suite", "rule"],
  },
  gate_rule_observed: {
    type: "gauge",
    help: "What a gate rule measured on the whole suite in the last run; absent where there was nothing to measure.",
    labels: ["suite", "rule"],
  },
  profiles: {
    type: "gauge",
    help: "Valid device profiles.",
    labels: ["target", "cohort"],
  },
  profiles_invalid: {
    type: "gauge",
    help: "Device profiles that cannot be read.",
    labels: [],
  },
  target_info: {
    type: "gauge",
    help: "Configured targets; realm is aws, emulator, or custom where something else may answer in their place.",
    labels: ["target", "aws_account", "aws_region", "endpoint", "realm"],
  },
  server_certificate_expiry_timestamp_seconds: {
    type: "gauge",
    help: "End of validity of the gateway certificate seen last.",
    labels: ["target"],
  },
  credential_expiry_timestamp_seconds: {
    type: "gauge",
    help: "Earliest end of validity of the credentials a cohort was tested with last.",
    labels: ["cohort"],
  },
  credential_fetch_failures_total: {
    type: "counter",
    help: "Credentials that could not be read when a check needed them.",
    labels: ["cohort"],
  },
  timings_discarded_total: {
    type: "counter",
    help: "Timings left out because the event loop lagged while they were taken.",
    labels: ["target", "location"],
  },
  overrides_total: {
    type: "counter",
    help: "Inconclusive decisions that somebody let pass, each once for whoever did.",
    labels: ["suite"],
  },
  paused: {
    type: "gauge",
    help: "1 while the daemon connects nothing because an administrator paused it.",
    labels: [],
  },
  build_info: {
    type: "gauge",
    help: "Always 1; the label names the version.",
    labels: ["version"],
  },
  config_last_reload_successful: {
    type: "gauge",
    help: "1 if the configuration was read well the last time it was loaded.",
    labels: [],
  },
  config_last_reload_success_timestamp_seconds: {
    type: "gauge",
    help: "When the configuration was last read well.",
    labels: [],
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;

export type Catalog = typeof CATALOG;
export type MetricName = keyof Catalog;
