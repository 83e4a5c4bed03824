import { stringify } from "yaml";
import { PREFIX } from "../../src/metrics/catalog.ts";

/**
 * Where runbook links lead: the address under which this repository's files are shown, without a slash at its end. It
 * is a placeholder: put your own here, run `npx vitest run test/deploy -u`, and replace it in `tests/` as well.
 */
export const REPOSITORY = "https://git.example.com/fleet-smoke/blob/main";

/** The value of the label `job` that the scrape configuration gives the daemon. */
export const JOB = "fleet-smoke";

/** What tells one daemon from another: suites of two daemons may have one name. */
export const DAEMON = "job, instance";
export const SUITE = `${DAEMON}, suite`;

/** `page`: somebody gets up; `ticket`: within a working day; `info`: for the record. */
export type Severity = "page" | "ticket" | "info";

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  /** How long it has to hold, as Prometheus writes durations; left out: at once. */
  readonly for?: string;
  readonly severity: Severity;
  readonly summary: string;
  readonly description: string;
  /** A file of this repository and one of its headings: `docs/operations.md#fleetsmokenogo`. */
  readonly runbook: string;
}

export interface Recording {
  readonly record: string;
  readonly expr: string;
}

export interface Group<R> {
  readonly name: string;
  readonly rules: readonly R[];
}

/** The full name of a metric of the catalogue, with label matchers. */
export function metric(name: string, matchers = ""): string {
  return `${PREFIX}${name}${matchers === "" ? "" : `{${matchers}}`}`;
}

/**
 * What a counter gained within the window, also where its series is younger than that. `increase()` alone does not
 * see what a series had when it was first scraped, and causes, error names and authorizers appear with their first
 * event. A Prometheus that meets a daemon for the first time therefore counts what that has counted since it started.
 */
export function recent(selector: string, window: string): string {
  return `((${selector} unless ${selector} offset ${window}) or increase(${selector}[${window}]))`;
}

/** A rule file of alerts as Prometheus reads it. */
export function renderAlerts(groups: readonly Group<Alert>[]): string {
  return render("alerts.ts", { groups: groups.map(alertGroup) });
}

/** A rule file of recording rules as Prometheus reads it. */
export function renderRecordings(groups: readonly Group<Recording>[]): string {
  return render("recording.ts", { groups });
}

/** Both as the resource that the Prometheus operator reads. */
export function renderPrometheusRule(
  alerts: readonly Group<Alert>[],
  recordings: readonly Group<Recording>[],
): string {
  return render("alerts.ts and recording.ts", {
    apiVersion: "monitoring.coreos.com/v1",
    kind: "PrometheusRule",
    metadata: { name: "fleet-smoke", labels: { "app.kubernetes.io/name": "fleet-smoke" } },
    spec: { groups: [...recordings, ...alerts.map(alertGroup)] },
  });
}

function alertGroup({ name, rules }: Group<Alert>): object {
  return { name, rules: rules.map(alertRule) };
}

function alertRule(alert: Alert): object {
  const { summary, description, runbook, severity } = alert;
  return {
    alert: alert.alert,
    expr: alert.expr,
    ...(alert.for === undefined ? {} : { for: alert.for }),
    labels: { severity },
    annotations: { summary, description, runbook_url: `${REPOSITORY}/${runbook}` },
  };
}

function render(source: string, document: object): string {
  const head = `# Made from deploy/prometheus/${source}: change it there and run \`npx vitest run test/deploy -u\`.\n`;
  // No anchors: not every reader of rules knows them.
  return head + stringify(document, { lineWidth: 0, aliasDuplicateObjects: false });
}
