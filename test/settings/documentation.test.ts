import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { describeConfig, editorSchema, type JsonSchema } from "./config-json-schema.ts";
import { configText } from "./folder.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const SCHEMA_FILE = join(ROOT, "docs/config.schema.json");

interface Row {
  readonly path: string;
  readonly fallback: string;
  readonly meaning: string;
}

async function documentation(): Promise<string> {
  return readFile(join(ROOT, "docs/configuration.md"), "utf8");
}

async function rows(): Promise<readonly Row[]> {
  const found = (await documentation()).matchAll(/^\| `([^`]+)` \|(.*?)\| (.+) \|$/gm);
  return [...found].map(([, path = "", fallback = "", meaning = ""]) => ({
    path,
    fallback: fallback.trim(),
    meaning,
  }));
}

test("every key of the schema has one row in the documentation, and every row its key", async () => {
  const documented = (await rows()).map((row) => row.path).sort();
  const known = describeConfig()
    .keys.map((key) => key.path)
    .sort();
  expect(known.length).toBeGreaterThan(70);
  expect(documented).toEqual(known);
});

test("documented defaults are the schema's", async () => {
  const documented = new Map((await rows()).map((row) => [row.path, row.fallback]));
  for (const key of describeConfig().keys) {
    const text =
      typeof key.default === "string" && key.default !== "" ? key.default : JSON.stringify(key.default);
    const fallback = key.default === undefined ? "" : `\`${text}\``;
    expect([key.path, documented.get(key.path)]).toEqual([key.path, key.required ? "*required*" : fallback]);
  }
});

/** `npx vitest run test/settings -u` writes the file anew. */
test("docs/config.schema.json is the schema's JSON Schema with the documentation's words", async () => {
  const descriptions = new Map((await rows()).map((row) => [row.path, plain(row.meaning)]));
  await expect(`${render(editorSchema(descriptions))}\n`).toMatchFileSnapshot(SCHEMA_FILE);
});

test("the JSON Schema takes the documented file and the example, and references in place of numbers", async () => {
  const schema = z.fromJSONSchema(JSON.parse(await readFile(SCHEMA_FILE, "utf8")));
  const [, everything = ""] = /```yaml\n(targets:[\s\S]*?)```/.exec(await documentation()) ?? [];
  const example = await readFile(join(ROOT, "config/fleet-smoke.example.yaml"), "utf8");
  const referring = configText({
    target: `port: "\${env:PORT}"`,
    rest: `http: { listen: "\${file:listen}" }`,
  });
  for (const text of [everything, example, referring]) {
    expect(schema.safeParse(parse(text)).error?.issues).toBeUndefined();
  }
});

test.each(["prot: 1", "port: 0", 'port: "443"', "timeouts: { probe: 10 }", "budgets: { burst: x }"])(
  "the JSON Schema refuses a target with %s",
  async (target) => {
    const schema = z.fromJSONSchema(JSON.parse(await readFile(SCHEMA_FILE, "utf8")));
    expect(schema.safeParse(parse(configText({ target }))).success).toBe(false);
  },
);

function plain(markdown: string): string {
  return markdown.replaceAll(/[`*]/g, "");
}

/** JSON as the formatter leaves it: a list of plain values stands on one line where it fits. */
function render(schema: JsonSchema): string {
  return JSON.stringify(schema, null, 2).replaceAll(
    /^( *)(.*)\[\n([^[\]{}]*?)\n *\](,?)$/gm,
    (whole, indent, head, body, comma) => {
      const oneLine = `${indent}${head}[${body.trim().replaceAll(/\n\s*/g, " ")}]${comma}`;
      return oneLine.length <= 110 ? oneLine : whole;
    },
  );
}
