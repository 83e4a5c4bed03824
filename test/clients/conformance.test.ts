import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { CONFORMANCE, type Row } from "./conformance.ts";

const TESTS = join(import.meta.dirname, "..");
const ROWS = Object.values(CONFORMANCE).flat();
/** A test's title: after `test(`, `test.each(…)(`, or the end of a table of its own lines. */
const TITLE = /^\s*(?:test(?:\.each\(.*\))?|\]\))\(\s*"((?:[^"\\]|\\.)*)"/gm;

function titlesIn(file: string): readonly string[] {
  const source = readFileSync(join(TESTS, `${file}.test.ts`), "utf8");
  return [...source.matchAll(TITLE)].map(([, title]) => JSON.parse(`"${title}"`));
}

function document(): string {
  const sections = Object.entries(CONFORMANCE).map(
    ([name, rows]) => `## ${name}

| Behaviour | Fact | Grade | Shown by |
|---|---|---|---|
${rows.map(line).join("\n")}
`,
  );
  return `# What the emulator does, and how that is known

Clients that were written elsewhere show it in \`test/clients\`: AWS's device SDK, the AWS CLI, boto3, mosquitto, paho
and curl. Made from \`test/clients/conformance.ts\`; a test keeps it so, and sees that each test named here exists
(\`npx vitest run test/clients/conformance.test.ts -u\` writes it).

- **Fact**: the section of the project's fact sheet on custom authentication that says so, or a page: \`DG x\` is
  <https://docs.aws.amazon.com/iot/latest/developerguide/x.html>, \`API X\` the page of that operation.
- **Grade**: **D**: AWS documents it. **M**: it is in AWS's API model. **S**: seen in AWS's own SDK sources or tests.
  **O**: reported by a third party. **U**: undocumented. Most of what is O or U
  [can be switched](emulator-switches.md).
- **Shown by**: test file and title; \`%s\` stands for the cases of a table.

${sections.join("\n")}`;
}

function line({ behaviour, fact, grade, tests }: Row): string {
  const shown = tests.map((each) => each.replace(/^(.*?): (.*)$/, "`$1` $2")).join("<br>");
  return `| ${behaviour} | ${fact} | ${grade} | ${shown} |`;
}

test("docs/emulator-conformance.md is the table", async () => {
  await expect(document()).toMatchFileSnapshot("../../docs/emulator-conformance.md");
});

test("every test of the table exists", () => {
  const named = ROWS.flatMap(({ tests }) => tests);
  expect(named.length).toBeGreaterThan(ROWS.length);
  const missing = named.filter((each) => {
    const [file = "", ...title] = each.split(": ");
    return !titlesIn(file).includes(title.join(": "));
  });
  expect(missing, "update test/clients/conformance.ts").toEqual([]);
});

test("every foreign client's test stands in the table", () => {
  const files = readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith(".test.ts") && name !== "conformance.test.ts")
    .map((name) => `clients/${name.replace(/\.test\.ts$/, "")}`);
  const titles = files.flatMap((file) => [...new Set(titlesIn(file))].map((title) => `${file}: ${title}`));
  expect([files.length, titles.length > 40]).toEqual([6, true]);
  const named = new Set(ROWS.flatMap(({ tests }) => tests));
  expect(titles.filter((each) => !named.has(each))).toEqual([]);
});
