import { metric, recent } from "../prometheus/rules.ts";
import { anyOf, THROTTLING } from "../prometheus/selectors.ts";

export interface Query {
  readonly expr: string;
  /** Grafana's template for the series' name. */
  readonly legend: string;
}

export interface PanelSpec {
  readonly title: string;
  readonly description: string;
  readonly kind: "stat" | "lines" | "bars" | "timeline" | "table" | "matrix";
  readonly queries: readonly Query[];
  readonly unit: "short" | "s" | "percentunit" | "bytes" | "ops";
  /** Of 24 columns. */
  readonly width: number;
  /** How values are coloured and named. */
  readonly look?: "decision" | "verdict" | "expiry" | "alarm" | "authorizer-limit";
}

export interface RowSpec {
  readonly title: string;
  readonly panels: readonly PanelSpec[];
}

const SUITE = 'suite=~"$suite"';
const TARGET = 'target=~"$target"';
const GROUP = `${TARGET},cohort=~"$cohort"`;
const RATE = "$__rate_interval";

/** The one-hot gate as a number: 1 go, 2 inconclusive, 3 no-go. */
function decisionCode(matchers: string, by: string): string {
  const state = (name: string) => `max by (${by}) (${metric("gate_state", `${matchers},state="${name}"`)})`;
  return `${state("go")} + 2 * ${state("inconclusive")} + 3 * ${state("no-go")}`;
}

function gained(by: string, selector: string, window: string = RATE): string {
  return `sum by (${by}) (${recent(selector, window)})`;
}

function quantile(q: number, by: string, name: string, matchers: string): string {
  return `histogram_quantile(${q}, ${gained(`${by}le`, metric(`${name}_bucket`, matchers))})`;
}

const WHOLE = `${SUITE},target="",cohort=""`;

export const ROWS: readonly RowSpec[] = [
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
