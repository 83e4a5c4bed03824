import { CAUSE_CODES, FAULTS, type Fault } from "../../src/model/causes.ts";
import { CAUSES } from "../../src/verdict/causes.ts";

const HEADINGS: Readonly<Record<Fault, string>> = {
  device: "The device's own credentials",
  connection: "How the device connects",
  authorizer: "The authorizer",
  policy: "The policy it returns",
  domain: "The domain configuration",
  network: "The network and the gateway",
  caller: "fleet-smoke's own AWS access",
  guard: "Guards that protect live devices",
  tester: "fleet-smoke itself",
};

/** docs/causes.md, made from the closed table of causes. */
export function renderCauses(): string {
  const sections = FAULTS.map((fault) => {
    const entries = CAUSE_CODES[fault].map((code) => {
      const { meaning, nextStep } = CAUSES[code];
      return `### ${code}\n\n${meaning}\n\n*Next step:* ${nextStep}\n`;
    });
    return `## ${HEADINGS[fault]}\n\n${entries.join("\n")}`;
  });
  return `# Causes

Every check that does not pass names at least one of these, the one to act on first in front. The list is closed; the
codes are metric labels (\`cause\`) and stand in reports. What lies with fleet-smoke's
own AWS access, a guard or fleet-smoke itself never makes a check fail: it is inconclusive. This page is made from
the table in \`src/verdict/causes.ts\`.

${sections.join("\n")}`;
}
