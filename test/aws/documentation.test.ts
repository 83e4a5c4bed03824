import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { CONNECTION_CODES, ERROR_NAMES } from "../../src/aws/error-names.ts";

const DOCUMENT = readFileSync(new URL("../../docs/aws.md", import.meta.url), "utf8");

test.each(Object.entries(ERROR_NAMES))("the page names every error that means %s, in one row", (_, names) => {
  expect(names.length).toBeGreaterThan(0);
  const rows = DOCUMENT.split("\n").filter((line) => names.every((name) => line.includes(`\`${name}\``)));
  expect(rows).toHaveLength(1);
});

test("the page names every connection error", () => {
  expect(CONNECTION_CODES.size).toBeGreaterThan(0);
  for (const code of CONNECTION_CODES) expect(DOCUMENT).toContain(`\`${code}\``);
});

test("the page gives every call its permission, in the table and in the policy", () => {
  const policy = JSON.parse(DOCUMENT.match(/```json\n([\s\S]*?)```/)?.[1] ?? "null");
  const granted = policy.Statement.flatMap(({ Action }: { Action: string | string[] }) => Action);
  const listed = [...DOCUMENT.matchAll(/^\| (\w+) \|.*\| `(\w+:\w+)` \|/gm)];
  for (const [, call, action] of listed) expect(action).toMatch(new RegExp(`^(iot|servicequotas):${call}$`));
  expect(granted.toSorted()).toEqual(listed.map(([, , action]) => action).toSorted());
  const operations = [
    "call",
    "connection-state",
    "describe",
    "domain",
    "invoke",
    "preflight",
    "quotas",
  ].flatMap((file) => {
    const source = readFileSync(new URL(`../../src/aws/${file}.ts`, import.meta.url), "utf8");
    return [...source.matchAll(/operation(?:: | = )"(\w+)"/g)].map(([, operation]) => operation);
  });
  expect(listed.map(([, call]) => call).toSorted()).toEqual(operations.toSorted());
});
