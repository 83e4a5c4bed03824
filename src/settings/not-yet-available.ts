import type { CohortGateSection, ConfigSection, GateSection, SuiteSection } from "./schema.ts";

/**
 * Names, as written in the file, of what asks for a part that is promised and not built yet. A key that asks for
 * nothing (an empty list, `failFast: false`) is not among them.
 */
export function notYetAvailable(config: ConfigSection): readonly string[] {
  return [
    ...queue(config.queue),
    ...(config.notify.length === 0 ? [] : ["notify"]),
    ...(config.suites ?? []).flatMap(ofSuite),
  ];
}

function queue(section: ConfigSection["queue"]): readonly string[] {
  if (section === undefined) return [];
  if (section.kind === "bullmq") return ["queue.kind: bullmq"];
  return section.workers === 1 ? [] : [`queue.workers: ${section.workers}`];
}

function ofSuite(suite: SuiteSection, index: number): readonly string[] {
  const asked = [
    ...(suite.authorizer === "every" ? [] : [`authorizer: ${suite.authorizer}`]),
    ...(suite.locations.length === 0 ? [] : ["locations"]),
    ...(suite.failFast ? ["failFast: true"] : []),
    ...ofGate(suite.gate).map((rule) => `gate.${rule}`),
    ...Object.entries(suite.cohortGates).flatMap(([cohort, gate]) =>
      ofGate(gate).map((rule) => `cohortGates.${cohort}.${rule}`),
    ),
  ];
  return asked.map((each) => `suites[${index}].${each}`);
}

function ofGate(gate: GateSection | CohortGateSection): readonly string[] {
  const { maxFailures, maxConnectP95, maxAuthorizerP95, maxNewFailures, requirePolicyUnchanged } = gate;
  const rules = { maxFailures, maxConnectP95, maxAuthorizerP95, maxNewFailures };
  return [
    ...Object.entries(rules).flatMap(([rule, threshold]) => (threshold === undefined ? [] : [rule])),
    ...(requirePolicyUnchanged ? ["requirePolicyUnchanged"] : []),
  ];
}
