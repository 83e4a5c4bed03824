import { CAUSE_CODES, type CauseCode, FAULTS, type Fault } from "../../src/model/causes.ts";
import { CAUSES } from "../../src/verdict/causes.ts";
import { CATALOGUE, type CatalogueRow } from "./catalogue.ts";

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

const AWS = "https://docs.aws.amazon.com/";

/** docs/causes.md, made from the closed table of causes and the catalogue. */
export function renderCauses(): string {
  const sections = FAULTS.map((fault) => {
    const entries = CAUSE_CODES[fault].map(renderCause);
    return `## ${HEADINGS[fault]}\n\n${entries.join("\n")}`;
  });
  return `# Causes

Every check that does not pass names at least one of these, the one to act on first in front. The list is closed; the
codes are metric labels (\`cause\`) and stand in reports. What lies with fleet-smoke's
own AWS access, a guard or fleet-smoke itself never makes a check fail: it is inconclusive. This page is made from
the tables in \`src/verdict/cause-table/\`.

- [From what goes wrong to the code](#from-what-goes-wrong-to-the-code), with what a prober cannot see
${FAULTS.map((fault) => `- [${HEADINGS[fault]}](#${anchor(HEADINGS[fault])})`).join("\n")}

## From what goes wrong to the code

What users report as "test-invoke-authorizer works, the device cannot connect". \`test/scenarios/\` plays at an emulator
what has a code.

| Row | What goes wrong | Code | Where to look beside it |
|---|---|---|---|
${CATALOGUE.map(renderRow).join("\n")}

${sections.join("\n")}`;
}

function renderCause(code: CauseCode): string {
  const { meaning, evidence, nextStep, rows, reading } = CAUSES[code];
  const lines = [`*Evidence:* ${evidence}`, `*Next step:* ${nextStep}`];
  if (rows.length > 0) lines.push(`*Catalogue:* row ${rows.join(", ")}`);
  if (reading !== null) lines.push(`*Read on:* <${AWS}${reading}>`);
  return `### ${code}\n\n${meaning}\n\n${lines.map((line) => `- ${line}\n`).join("")}`;
}

function renderRow({ row, what, codes, look }: CatalogueRow): string {
  const links = codes.map((code) => `[${code}](#${code.toLowerCase()})`).join(", ");
  return `| ${row} | ${what} | ${links || "none: a prober cannot see it"} | ${look ?? ""} |`;
}

function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 -]/g, "")
    .replaceAll(" ", "-");
}
