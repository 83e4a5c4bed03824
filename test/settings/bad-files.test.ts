import { Buffer } from "node:buffer";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { loadConfig } from "../../src/settings/load.ts";
import { configText, folderWith } from "./folder.ts";
import { type Said, saidOf } from "./said.ts";

const NAME = "a name: letters, digits, `.`, `_` and `-`, at most 64, a letter or digit first";
const ACCOUNT = 'the 12 digits of an AWS account in quotes, such as "123456789012"';

const wrongFiles: readonly (readonly [string, string | Uint8Array, ...Said[]])[] = [
  ["an empty file", "", [1, null, "the file is empty; expected at least `targets` and `profiles`"]],
  [
    "a file of comments",
    "# nothing\n---\n",
    [1, null, "the file is empty; expected at least `targets` and `profiles`"],
  ],
  ["a list", "- a", [1, null, "expected a section (`key: value`), found a list"]],
  ["plain text", "hello", [1, null, "expected a section (`key: value`), found text"]],
  [
    "two documents",
    "a: 1\n---\nb: 1\n",
    [1, null, "expected one YAML document, found several (`---` starts another)"],
  ],
  [
    "bytes that are not UTF-8",
    Buffer.from("targets:\n  - name: \xff\n", "latin1"),
    [2, null, "expected UTF-8 text"],
  ],
  ["UTF-16", Buffer.from("\uFEFFtargets: []", "utf16le"), [1, null, "expected UTF-8 text"]],
  ["more than 1 MiB", "# long\n".repeat(160_000), [null, null, "the file is larger than 1 MiB"]],
  ["brackets without end", "[".repeat(100_000), [1, null, "lists and sections are nested too deeply"]],
  [
    "forty levels",
    `a: ${"[".repeat(40)}${"]".repeat(40)}`,
    [1, null, "lists and sections are nested too deeply"],
  ],
  [
    "nothing but sections left empty",
    "targets:\nprofiles: []\n",
    [1, "targets", "empty; expected a list"],
    [2, "profiles", "expected at least 1 entry"],
  ],
  [
    "an account id without quotes and other fields left out",
    "targets:\n  - accountId: 012345678901\n",
    [1, "profiles", "missing; expected a list"],
    [2, "targets[0].name", `missing; expected ${NAME}`],
    [2, "targets[0].region", "missing; expected an AWS Region such as eu-west-1"],
    [
      2,
      "targets[0].accountId",
      `expected ${ACCOUNT}: without quotes YAML reads a number, which loses leading zeros`,
    ],
  ],
  [
    "an account id of eleven digits, a Region that is none",
    'targets:\n  - name: a\n    accountId: "12345678901"\n    region: Ireland\nprofiles: [{ path: p }]\n',
    [3, "targets[0].accountId", `expected ${ACCOUNT}`],
    [4, "targets[0].region", "expected an AWS Region such as eu-west-1"],
  ],
  [
    "a Region of another partition",
    configText().replace("eu-west-1", "us-iso-east-1"),
    [3, "targets[0].region", "expected a Region of the partitions aws, aws-cn or aws-us-gov"],
  ],
  [
    "two targets of one name",
    configText().replace(
      "profiles:",
      '  - { name: eu, region: eu-west-1, accountId: "123456789012" }\nprofiles:',
    ),
    [6, "targets[1].name", "another target has this name"],
  ],
];

for (const [name, content, ...said] of wrongFiles) {
  test(`${name} is reported`, async () => {
    expect(await saidOf(content)).toEqual(said);
  });
}

test("aliases that multiply without end are stopped", async () => {
  const levels = Array.from(
    { length: 12 },
    (_, i) => `l${i + 1}: &l${i + 1} [${Array(9).fill(`*l${i}`).join(", ")}]`,
  );
  expect(await saidOf(`l0: &l0 x\n${levels.join("\n")}\n`)).toEqual([
    [1, null, "expected at most 20000 values"],
  ]);
});

test("a missing file and a folder are named", async () => {
  const folder = await folderWith({});
  const missing = join(folder, "no.yaml");
  expect(await loadConfig(missing, {})).toEqual({
    kind: "invalid",
    problems: [{ file: missing, line: null, field: null, message: "the file does not exist" }],
  });
  expect(await loadConfig(folder, {})).toEqual({
    kind: "invalid",
    problems: [{ file: folder, line: null, field: null, message: "the file is a folder" }],
  });
});

test("wrong fields, wrong names and missing files are reported together, in file order", async () => {
  const text = configText({
    target: "port: 0\n    caFile: no.pem",
    profile: "identity: live",
    rest: "suites: [{ name: a }, { name: a }]\nschedule: [{ suite: b, cron: x }]",
  });
  expect((await saidOf(text)).map(([line, field]) => [line, field])).toEqual([
    [5, "targets[0].port"],
    [6, "targets[0].caFile"],
    [9, "profiles[0].identity"],
    [10, "suites[1].name"],
    [11, "schedule[0].cron"],
    [11, "schedule[0].suite"],
  ]);
});

test("whatever the file holds, the answer is a configuration or problems, never a throw", async () => {
  const valid = configText({
    rest: "suites: [{ name: a, gate: &g { minChecks: 2 }, cohortGates: { v: *g } }]",
  });
  const damaged = fc
    .tuple(fc.nat({ max: valid.length }), fc.nat({ max: 20 }), fc.string({ unit: "binary", maxLength: 8 }))
    .map(([at, length, text]) => valid.slice(0, at) + text + valid.slice(at + length));
  const contents = fc.oneof(damaged, fc.string({ unit: "binary" }), fc.json(), fc.uint8Array());
  await fc.assert(
    fc.asyncProperty(contents, async (content) => {
      for (const [line, , message] of await saidOf(content)) {
        expect(message).not.toBe("");
        expect(line).not.toBe(0);
      }
    }),
    { numRuns: 300 },
  );
});
