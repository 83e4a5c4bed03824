import { Buffer } from "node:buffer";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadConfig } from "../../src/settings/load.ts";
import { configText, folderWith } from "./folder.ts";
import { problemsOf, saidOf } from "./said.ts";

const ENDPOINT =
  "expected a host name (it is sent as SNI), without scheme, port and path; an IP address belongs into `address`";

describe("references", () => {
  test("one without a value is a problem of its field, and the only one there", async () => {
    const text = configText({ target: `port: "\${env:PORT}"\n    caFile: "\${file:no}"` });
    const said = await saidOf(text);
    expect(said.map(([line, field]) => [line, field])).toEqual([
      [5, "targets[0].port"],
      [6, "targets[0].caFile"],
    ]);
    expect(said[0]?.[2]).toContain("PORT");
    expect(said[1]?.[2]).toContain("no");
  });

  test("the value of one is checked like any other and never repeated", async () => {
    const text = configText({ target: `port: "\${env:PORT}"\n    endpoint: "\${env:HOST}"` });
    expect(await saidOf(text, { PORT: "hunter2", HOST: "https://hunter2" })).toEqual([
      [5, "targets[0].port", "expected a port from 1 to 65535, found text"],
      [6, "targets[0].endpoint", ENDPOINT],
    ]);
    expect(await saidOf(text, { PORT: "70000", HOST: "a" })).toEqual([
      [5, "targets[0].port", "expected a port from 1 to 65535"],
    ]);
  });

  test("the value of one is read as a number only where a number is expected", async () => {
    const text = configText({ target: "port: 0" }).replace("eu-west-1", `"\${env:REGION}"`);
    expect(await saidOf(text, { REGION: "5" })).toEqual([
      [3, "targets[0].region", "expected an AWS Region such as eu-west-1"],
      [5, "targets[0].port", "expected a port from 1 to 65535"],
    ]);
  });

  test("a file that is not text is no value", async () => {
    const folder = await folderWith({
      "c.yaml": configText({ target: `endpoint: "\${file:bytes}"` }),
      bytes: Buffer.from([0xff, 0xfe, 0x00]),
    });
    const loaded = await loadConfig(join(folder, "c.yaml"), {});
    expect(loaded).toMatchObject({
      problems: [{ line: 5, field: "targets[0].endpoint", message: "expected a reference to UTF-8 text" }],
    });
  });
});

describe("secrets", () => {
  const SECRET = "hunter2hunter2";
  const TEXT = configText({
    target:
      "endpoint: VALUE\n    port: VALUE\n    budgets: VALUE\n    timeouts: { invoke: VALUE, probe: [VALUE] }",
    profile: "credentials: { exec: [VALUE, { a: VALUE }] }",
    rest: `suites:
  - { name: VALUE, cohorts: [VALUE], gate: { minChecks: VALUE }, authorizer: VALUE, failFast: VALUE }
schedule: [{ suite: VALUE, cron: VALUE, timezone: VALUE }]
http: { listen: VALUE, tls: { certFile: VALUE, keyFile: [VALUE] }, tokens: [{ name: VALUE, tokenFile: VALUE, scopes: [VALUE] }] }
queue: { kind: VALUE, redis: VALUE }
notify: [{ url: VALUE, secretFile: VALUE, on: VALUE }]`,
  });

  test("a secret in every value at once is not repeated", async () => {
    const problems = await problemsOf(TEXT.replaceAll("VALUE", `"redis://:${SECRET}@x y"`));
    expect(problems.length).toBeGreaterThan(15);
    expect(JSON.stringify(problems)).not.toContain(SECRET);
  });

  test("a secret that breaks the syntax around it is not repeated", async () => {
    const junk = fc.constantFrom(
      "",
      " ",
      '"',
      "'",
      "[",
      "]",
      "{",
      "}",
      "@",
      "`",
      "&",
      "*",
      "!",
      "%",
      "|",
      ">",
      "\t",
      "- ",
      "\\q",
      "#",
      ",",
      "\n",
    );
    const places = TEXT.split("VALUE").length - 1;
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: places - 1 }), junk, junk, async (place, before, after) => {
        let seen = -1;
        const text = TEXT.replaceAll("VALUE", () => {
          seen += 1;
          return seen === place ? `${before}${SECRET}${after}` : "x";
        });
        const problems = await problemsOf(text);
        expect(problems.length).toBeGreaterThan(0);
        expect(JSON.stringify(problems)).not.toContain(SECRET);
      }),
      { numRuns: 300 },
    );
  });
});
