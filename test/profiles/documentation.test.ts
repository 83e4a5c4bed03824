import { readFile as readText } from "node:fs/promises";
import { resolve } from "node:path";
import { expect, test } from "vitest";
import { parseExecAnswer } from "../../src/profiles/exec-answer.ts";
import { PROFILE } from "../../src/profiles/profile-schema.ts";
import type { Rule } from "../../src/profiles/schema.ts";
import { readFile } from "./fleet-support.ts";

async function documentation(): Promise<string> {
  return readText(resolve(import.meta.dirname, "../../docs/profiles.md"), "utf8");
}

/** Paths of all fields, with whether each must be there. */
function fieldsOf(rule: Rule, path: string): readonly (readonly [string, boolean])[] {
  const container = rule.kind === "either" ? rule.structured : rule;
  if (container.kind !== "object") return [];
  return Object.entries(container.fields).flatMap(([key, inner]) => {
    const here = path === "" ? key : `${path}.${key}`;
    return [[here, container.required.includes(key)] as const, ...fieldsOf(inner, here)];
  });
}

test("every field has one row, and it says whether it is required", async () => {
  const rows = [...(await documentation()).matchAll(/^\| `([a-zA-Z][a-zA-Z.]*)` \|(.*?)\|/gm)];
  const documented = rows.map(([, path, fallback]) => [path, fallback?.trim() === "*required*"]);
  const known = fieldsOf(PROFILE, "").map(([path, required]) => [path, required || path === "identity"]);
  expect(known.length).toBeGreaterThan(45);
  expect(documented.sort()).toEqual(known.sort());
});

test("the examples are valid", async () => {
  const blocks = [...(await documentation()).matchAll(/^ *```json\n *(.*)\n *```$/gm)].map(
    ([, code]) => code ?? "",
  );
  const [profile = "", withTopics = "", answer = ""] = blocks;
  expect(blocks).toHaveLength(3);
  for (const each of [profile, withTopics]) {
    const { problems } = await readFile("f.ndjson", each.replace(/\$\{.*?\}/, "x"));
    expect(problems).toEqual([]);
  }
  expect(parseExecAnswer(Buffer.from(answer), "/").kind).toBe("answered");
});
