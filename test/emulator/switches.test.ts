import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { SWITCHES } from "../../src/emulator/behaviours.ts";
import { parseEmulatorConfig } from "../../src/emulator/config.ts";
import { type Grade, REFUSAL_CAUSES } from "../../src/emulator/refusal-causes.ts";

const GRADES: Readonly<Record<Grade, string>> = {
  S: "seen in AWS's own SDK sources or tests",
  O: "observed, one public report or more",
  U: "undocumented, nothing known",
};

function document(): string {
  const shown = (value: unknown) => `\`${String(value)}\``;
  const refusals = Object.entries(REFUSAL_CAUSES).map(
    ([cause, { mqtt311, mqtt5, grade, about }]) =>
      `| ${shown(`refuse${cause}Mqtt311`)} | ${shown(mqtt311)} | ${shown(`refuse${cause}Mqtt5`)} | ${shown(mqtt5)} | ${grade} | ${about} |`,
  );
  const others = SWITCHES.filter(({ name }) => !name.startsWith("refuse")).map((each) => {
    const values = each.values.filter((value) => value !== each.default).map(shown);
    return `| ${shown(each.name)} | ${shown(each.default)} | ${values.join(" ")} | ${each.grade} | ${each.about} |`;
  });
  const codes = (name: string) =>
    SWITCHES.find((each) => each.name === name)
      ?.values.filter((value) => value !== "close")
      .join(", ");
  return `# The emulator's switches

What AWS does not document, under \`behaviours\` in the emulator's configuration. A test writes this file from
\`src/emulator/behaviours.ts\` and its \`refusal-causes.ts\`. The grade says how sure the default is:

${Object.entries(GRADES)
  .map(([grade, meaning]) => `- **${grade}**: ${meaning}`)
  .join("\n")}

## How a refused CONNECT ends

\`close\` ends the connection without a CONNACK; a number is the CONNACK's code.
MQTT 3.1.1: ${codes("refusePolicyMqtt311")}. MQTT 5: ${codes("refusePolicyMqtt5")}.

| MQTT 3.1.1 | Default | MQTT 5 | Default | Grade | Refused because |
|---|---|---|---|---|---|
${refusals.join("\n")}

## Everything else

| Switch | Default | Others | Grade | What it is about |
|---|---|---|---|---|
${others.join("\n")}
`;
}

test("docs/emulator-switches.md lists every switch", async () => {
  await expect(document()).toMatchFileSnapshot("../../docs/emulator-switches.md");
});

test("every switch is tried by a test", () => {
  const sources = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith(".test.ts"))
    .map((name) => readFileSync(join(import.meta.dirname, name), "utf8"))
    .join("\n");
  // Those for refused CONNECTs are tried all together.
  const others = SWITCHES.filter(({ name }) => !name.startsWith("refuse"));
  expect(others.filter(({ name }) => !sources.includes(name)).map(({ name }) => name)).toEqual([]);
});

test("every value of every switch is accepted, and nothing else", () => {
  const parse = (behaviours: object) =>
    parseEmulatorConfig({ domains: [{ name: "d", serverName: "a.example" }], behaviours }, "/");
  for (const { name, values, default: fallback } of SWITCHES) {
    const loaded = parse({});
    expect(loaded.kind === "loaded" && loaded.config.behaviours[name]).toBe(fallback);
    for (const value of values) expect(parse({ [name]: value }).kind, `${name}: ${value}`).toBe("loaded");
    expect(parse({ [name]: "something else" }).kind, name).toBe("invalid");
  }
});
