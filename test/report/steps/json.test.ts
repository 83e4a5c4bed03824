import { execFileSync } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { probeReport } from "../../../src/cli/probe-device.ts";
import { answered, errored, GUARDED } from "../../support/fixtures.ts";
import { judged } from "../../support/results.ts";
import { probeJsonSchema, probeSchema } from "./probe-schema.ts";
import { everything, stepsOf } from "./sample.ts";

const ROOT = join(import.meta.dirname, "../../..");
const SCHEMA_FILE = join(ROOT, "docs/probe.schema.json");

const CHECKS = await Promise.all([
  stepsOf({}),
  stepsOf(everything("x")),
  stepsOf({ profile: { protocols: ["wss"], credentialsIn: "query" } }),
  stepsOf({ profile: { protocols: ["https"], clientId: null }, credentials: { username: null } }),
  stepsOf({ facts: { invocation: errored("caller"), outcome: GUARDED }, verdict: judged("skipped") }),
  stepsOf({
    facts: {
      context: null,
      authorizer: null,
      invocation: { kind: "skipped", why: "not-selected" },
      outcome: { kind: "skipped", cause: "CREDENTIAL_UNAVAILABLE", reason: "gone" },
    },
    verdict: judged("inconclusive", "CREDENTIAL_UNAVAILABLE"),
  }),
  stepsOf({
    facts: { authorizer: { kind: "none", evidence: "nobody" }, invocation: answered("denied") },
    verdict: judged("fail", "AUTHORIZER_NOT_FOUND"),
  }),
]);

describe("the JSON of a probe", () => {
  it("fits its schema, whatever happened", () => {
    const report = JSON.parse(JSON.stringify(probeReport("pump-1", CHECKS)));
    expect(probeSchema.parse(report)).toEqual(report);
  });

  it.each([
    [["pass"], "pass"],
    [["pass", "skipped"], "skipped"],
    [["skipped", "inconclusive", "pass"], "inconclusive"],
    [["inconclusive", "fail", "pass"], "fail"],
    [[], "inconclusive"],
  ] as const)("of checks that are %j says %s", async (kinds, verdict) => {
    const checks = await Promise.all(kinds.map((kind) => stepsOf({ verdict: judged(kind) })));
    expect(probeReport("pump-1", checks).verdict).toBe(verdict);
  });
});

describe("docs/probe.schema.json", () => {
  it("describes it", async () => {
    await expect(formatted(JSON.stringify(probeJsonSchema()))).toMatchFileSnapshot(SCHEMA_FILE);
  });

  it("takes it, also with fields of a later version, and no other", async () => {
    const published = z.fromJSONSchema(JSON.parse(await readFile(SCHEMA_FILE, "utf8")));
    const report = JSON.parse(JSON.stringify(probeReport("pump-1", CHECKS)));
    expect(published.safeParse(report).error).toBeUndefined();
    expect(published.safeParse({ ...report, later: 1 }).success).toBe(true);
    expect(published.safeParse({ ...report, verdict: "maybe" }).success).toBe(false);
    expect(published.safeParse({ ...report, results: [{ ...report.results[0], steps: {} }] }).success).toBe(
      false,
    );
  });
});

/** As the project's formatter leaves it, so that the published file is both its and ours. */
function formatted(json: string): string {
  return execFileSync(
    join(ROOT, "node_modules/.bin/biome"),
    ["format", "--vcs-enabled=false", "--stdin-file-path=schema.json"],
    { cwd: ROOT, input: json, encoding: "utf8" },
  );
}
