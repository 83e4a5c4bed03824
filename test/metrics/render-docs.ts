import { CATALOG, type MetricSpec, PREFIX } from "../../src/metrics/catalog.ts";

/** docs/metrics.md from the catalogue. */
export function renderDocs(): string {
  const all: readonly (readonly [string, MetricSpec])[] = Object.entries(CATALOG);
  return `# Metrics

Made from \`src/metrics/catalog.ts\`; a test keeps it so (\`npx vitest run test/metrics -u\` writes it).

- Served at \`/metrics\` in the Prometheus text format; \`run --report metrics=PATH\` writes the same for node_exporter's
  textfile collector, there without Node's own metrics.
- Runs have their own schedule, so a scrape returns what was last seen and never starts a check.
- Device ids are never labels: the JSON report has them. Cohorts and authorizers beyond 50 share the value \`_overflow\`.
- \`location\` is where the tester runs. Control characters in label values become spaces.
- Counters of the configured targets and cohorts start at zero: \`checks_total\`, \`agreement_total\`, and of
  \`check_failures_total\` the cause \`UNEXPECTED_ACCEPT\`. Other causes appear when they are first seen.
- \`runs_total\`, \`overrides_total\` and \`run_in_progress\` of the configured suites start at zero.
- Series of a target or cohort that leaves the configuration are removed on reload.
- Node's usual \`process_…\` and \`nodejs_…\` metrics come with their usual names, less the three
  \`nodejs_active_…_total\` gauges that \`promtool check metrics\` rejects.

## Exported

${all.map(([name, spec]) => section(name, spec)).join("\n")}`;
}

function section(name: string, spec: MetricSpec): string {
  const labels = spec.labels.length === 0 ? "none" : spec.labels.map((label) => `\`${label}\``).join(", ");
  const buckets = spec.buckets === undefined ? "" : `\n- Buckets in seconds: ${spec.buckets.join(", ")}`;
  return `### ${PREFIX}${name}

${spec.help}

- Type: ${spec.type}
- Labels: ${labels}${buckets}
`;
}
