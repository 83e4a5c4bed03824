import { type Alert, DAEMON, type Group, JOB, metric, recent, SUITE } from "./rules.ts";
import { anyOf, decision, OWN_FAULTS, partDecision, THROTTLING } from "./selectors.ts";
import type { Thresholds } from "./thresholds.ts";

const OPERATIONS = "docs/operations.md";
const CAUSES = "docs/causes.md";

/** A pause is announced by its own alert; what waits because of it is not stuck. */
const UNLESS_PAUSED = `unless on (${DAEMON}) ${metric("paused")} == 1`;

/** Every alert, grouped by what to look at first. */
export function alerts(limits: Thresholds): readonly Group<Alert>[] {
  return [
    { name: "fleet-smoke-decision", rules: decisionAlerts(limits) },
    { name: "fleet-smoke-run", rules: runAlerts(limits) },
    { name: "fleet-smoke-aws", rules: awsAlerts(limits) },
    { name: "fleet-smoke-tester", rules: testerAlerts(limits) },
    { name: "fleet-smoke-expiry", rules: expiryAlerts(limits) },
  ];
}

function decisionAlerts({ acceptWindow, inconclusiveFor }: Thresholds): readonly Alert[] {
  const accepts = recent(metric("check_failures_total", 'cause="UNEXPECTED_ACCEPT"'), acceptWindow);
  return [
    {
      alert: "FleetSmokeNoGo",
      expr: `${decision("no-go")} == 1`,
      severity: "page",
      summary: "{{ $labels.suite }}: no-go",
      description:
        "The last run of suite {{ $labels.suite }} came to no-go: devices are kept out, or somebody gets in who must not. Hold the rollout.",
      runbook: `${OPERATIONS}#fleetsmokenogo`,
    },
    {
      alert: "FleetSmokeCohortNoGo",
      expr: `${partDecision("no-go")} == 1`,
      severity: "ticket",
      summary: "{{ $labels.suite }}: cohort {{ $labels.cohort }} on {{ $labels.target }} is a no-go",
      description:
        "In the last run of suite {{ $labels.suite }} cohort {{ $labels.cohort }} on target {{ $labels.target }} did not meet its rules.",
      runbook: `${OPERATIONS}#fleetsmokecohortnogo`,
    },
    {
      alert: "FleetSmokeUnexpectedAccept",
      expr: `sum by (${DAEMON}, target, cohort, protocol) (${accepts}) > 0`,
      severity: "page",
      summary: "{{ $labels.target }} lets in a device that must be kept out",
      description:
        "The gateway of target {{ $labels.target }} accepted a device of cohort {{ $labels.cohort }} over {{ $labels.protocol }} that must be denied, or one with a corrupted credential.",
      runbook: `${CAUSES}#unexpected_accept`,
    },
    {
      alert: "FleetSmokeInconclusive",
      expr: `${decision("inconclusive")} == 1`,
      for: inconclusiveFor,
      severity: "ticket",
      summary: `{{ $labels.suite }}: inconclusive for ${inconclusiveFor}`,
      description:
        "The last run of suite {{ $labels.suite }} proved nothing, so nothing says that its devices get in. It is never a go.",
      runbook: `${OPERATIONS}#fleetsmokeinconclusive`,
    },
  ];
}

function runAlerts({ staleFor, goWithinSeconds, stuckSeconds, overdueAfter }: Thresholds): readonly Alert[] {
  const running = metric("run_in_progress");
  const expiry = metric("gate_expiry_timestamp_seconds");
  const ended = `sum by (${SUITE}) (increase(${metric("runs_total")}[${overdueAfter}]))`;
  return [
    {
      alert: "FleetSmokeGateStale",
      // A suite that has never come to a decision has no expiry, only its counters.
      expr: `time() > ${expiry} or (sum by (${SUITE}) (${metric("runs_total")}) unless on (${SUITE}) ${expiry})`,
      for: staleFor,
      severity: "ticket",
      summary: "{{ $labels.suite }}: no valid decision",
      description: `Suite {{ $labels.suite }} has had no valid decision for ${staleFor}: its gate says no to everybody who asks without triggering a run.`,
      runbook: `${OPERATIONS}#fleetsmokegatestale`,
    },
    {
      alert: "FleetSmokeNoRecentGo",
      expr: `time() - ${metric("last_go_timestamp_seconds")} > ${goWithinSeconds}`,
      severity: "ticket",
      summary: "{{ $labels.suite }}: last go {{ $value | humanizeDuration }} ago",
      description: "Suite {{ $labels.suite }} came to go {{ $value | humanizeDuration }} ago and not since.",
      runbook: `${OPERATIONS}#fleetsmokenorecentgo`,
    },
    {
      alert: "FleetSmokeRunStuck",
      expr: `${running} == 1 and on (${SUITE}) time() - ${metric("run_last_progress_timestamp_seconds")} > ${stuckSeconds} ${UNLESS_PAUSED}`,
      severity: "ticket",
      summary: "{{ $labels.suite }}: the run does not get on",
      description: `The run of suite {{ $labels.suite }} has finished no check for more than ${stuckSeconds} s.`,
      runbook: `${OPERATIONS}#fleetsmokerunstuck`,
    },
    {
      alert: "FleetSmokeRunOverdue",
      // Running then, throughout and now, and none ended: runs that follow each other closely look alike otherwise.
      expr: `min_over_time(${running}[${overdueAfter}]) == 1 and on (${SUITE}) ${running} offset ${overdueAfter} == 1 and on (${SUITE}) ${ended} == 0 ${UNLESS_PAUSED}`,
      severity: "ticket",
      summary: "{{ $labels.suite }}: the run does not end",
      description: `A run of suite {{ $labels.suite }} has been going on for more than ${overdueAfter}.`,
      runbook: `${OPERATIONS}#fleetsmokerunoverdue`,
    },
  ];
}

function awsAlerts(limits: Thresholds): readonly Alert[] {
  const { throttledWindow, throttledRatio, authorizerWindow, authorizerSeconds } = limits;
  const by = `${DAEMON}, target, operation`;
  const throttled = recent(metric("aws_requests_total", anyOf("code", THROTTLING)), throttledWindow);
  const requests = recent(metric("aws_requests_total"), throttledWindow);
  const atGateway = recent(metric("checks_inconclusive_total", 'cause="GATEWAY_THROTTLED"'), throttledWindow);
  return [
    {
      alert: "FleetSmokeApiThrottled",
      expr: `sum by (${by}) (${throttled}) / sum by (${by}) (${requests}) > ${throttledRatio}`,
      severity: "ticket",
      summary: "{{ $labels.target }}: AWS throttles {{ $labels.operation }}",
      description: `AWS refused {{ $value | humanizePercentage }} of the {{ $labels.operation }} calls for target {{ $labels.target }} within ${throttledWindow}. The quota is the account's: production has less of it too.`,
      runbook: `${CAUSES}#api_throttled`,
    },
    {
      alert: "FleetSmokeGatewayThrottled",
      expr: `sum by (${DAEMON}, target) (${atGateway}) > 0`,
      severity: "ticket",
      summary: "{{ $labels.target }}: the gateway throttles connections",
      description: `The gateway of target {{ $labels.target }} throttled connections within ${throttledWindow}. Devices may be affected as well.`,
      runbook: `${CAUSES}#gateway_throttled`,
    },
    {
      alert: "FleetSmokeAuthorizerSlow",
      expr: `${authorizerP95(authorizerWindow)} > ${authorizerSeconds} and ${authorizerCalls(authorizerWindow)} >= ${limits.authorizerCalls}`,
      for: limits.authorizerFor,
      severity: "ticket",
      summary: "{{ $labels.authorizer }}: 95th percentile {{ $value | humanizeDuration }}",
      description: `One in twenty calls of authorizer {{ $labels.authorizer }} on target {{ $labels.target }} took {{ $value | humanizeDuration }} or longer within ${authorizerWindow}. AWS IoT gives it 5 s, then the device is kept out.`,
      runbook: `${CAUSES}#authorizer_timeout`,
    },
  ];
}

const BY_AUTHORIZER = `${DAEMON}, target, authorizer`;

/** 95th percentile of an authorizer's answers, in seconds. */
export function authorizerP95(window: string): string {
  const buckets = recent(metric("authorizer_duration_seconds_bucket"), window);
  return `histogram_quantile(0.95, sum by (${BY_AUTHORIZER}, le) (${buckets}))`;
}

function authorizerCalls(window: string): string {
  return `sum by (${BY_AUTHORIZER}) (${recent(metric("authorizer_duration_seconds_count"), window)})`;
}

function testerAlerts(limits: Thresholds): readonly Alert[] {
  const { faultWindow, restartWindow, restarts, overriddenWindow, downFor, pausedFor } = limits;
  const faults = recent(metric("checks_inconclusive_total", anyOf("cause", OWN_FAULTS)), faultWindow);
  const overrides = recent(metric("overrides_total"), overriddenWindow);
  return [
    {
      alert: "FleetSmokeDown",
      expr: `up{job="${JOB}"} == 0 or absent(up{job="${JOB}"})`,
      for: downFor,
      severity: "ticket",
      summary: "nobody asks whether the devices get in",
      description: `Prometheus has not been able to scrape fleet-smoke for ${downFor}, or knows no such target.`,
      runbook: `${OPERATIONS}#fleetsmokedown`,
    },
    {
      alert: "FleetSmokeRestarting",
      expr: `changes(process_start_time_seconds{job="${JOB}"}[${restartWindow}]) >= ${restarts}`,
      severity: "ticket",
      summary: "{{ $labels.instance }} restarts again and again",
      description: `fleet-smoke at {{ $labels.instance }} started {{ $value }} times within ${restartWindow}.`,
      runbook: `${OPERATIONS}#fleetsmokerestarting`,
    },
    {
      alert: "FleetSmokeTesterBroken",
      expr: `sum by (${DAEMON}, target, cause) (${faults}) > 0`,
      severity: "ticket",
      summary: "{{ $labels.target }}: fleet-smoke itself cannot test ({{ $labels.cause }})",
      description: `Checks of target {{ $labels.target }} proved nothing within ${faultWindow}, by no fault of the devices: {{ $labels.cause }}. See that cause for the next step.`,
      runbook: `${OPERATIONS}#fleetsmoketesterbroken`,
    },
    {
      alert: "FleetSmokeReloadFailed",
      expr: `${metric("config_last_reload_successful")} == 0`,
      for: limits.reloadFor,
      severity: "ticket",
      summary: "the configuration was not taken",
      description: "The last reload was refused; the configuration before it is still in force.",
      runbook: `${OPERATIONS}#fleetsmokereloadfailed`,
    },
    {
      alert: "FleetSmokePaused",
      expr: `${metric("paused")} == 1`,
      for: pausedFor,
      severity: "ticket",
      summary: `fleet-smoke has been paused for ${pausedFor}`,
      description: `An administrator paused fleet-smoke at {{ $labels.instance }} more than ${pausedFor} ago; nothing is tested until somebody resumes it.`,
      runbook: `${OPERATIONS}#fleetsmokepaused`,
    },
    {
      alert: "FleetSmokeProfilesInvalid",
      expr: `${metric("profiles_invalid")} > 0`,
      for: limits.invalidFor,
      severity: "ticket",
      summary: "{{ $value }} device profiles cannot be read",
      description: "Devices whose profiles cannot be read are not tested, and count as inconclusive.",
      runbook: `${CAUSES}#profile_invalid`,
    },
    {
      alert: "FleetSmokeOverridden",
      expr: `sum by (${SUITE}) (${overrides}) > 0`,
      severity: "info",
      summary: "{{ $labels.suite }}: somebody let an inconclusive decision pass",
      description: `An inconclusive decision of suite {{ $labels.suite }} was let pass within ${overriddenWindow}. The audit log says by whom and why.`,
      runbook: `${OPERATIONS}#fleetsmokeoverridden`,
    },
  ];
}

function expiryAlerts(limits: Thresholds): readonly Alert[] {
  const credential = metric("credential_expiry_timestamp_seconds");
  return [
    {
      alert: "FleetSmokeServerCertificateExpiring",
      expr: `${metric("server_certificate_expiry_timestamp_seconds")} - time() < ${limits.certificateSeconds}`,
      severity: "ticket",
      summary: "{{ $labels.target }}: the gateway's certificate ends in {{ $value | humanizeDuration }}",
      description:
        "Devices will refuse the gateway of target {{ $labels.target }} when its certificate has ended. For a domain of your own, renew it in ACM.",
      runbook: `${CAUSES}#server_certificate_expired`,
    },
    {
      alert: "FleetSmokeCredentialExpiring",
      // A token that is issued for an hour is always about to end: only one that stays the same is forgotten.
      expr: `${credential} - time() < ${limits.credentialSeconds} and ${credential} == ${credential} offset ${limits.credentialUnchangedFor}`,
      severity: "ticket",
      summary: "{{ $labels.cohort }}: a credential ends in {{ $value | humanizeDuration }}",
      description: `A credential that cohort {{ $labels.cohort }} is tested with is about to end and has not been renewed for ${limits.credentialUnchangedFor}. If the devices hold the same, they will be kept out.`,
      runbook: `${CAUSES}#token_expired`,
    },
  ];
}
