import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";

const SCRIPT = join(import.meta.dirname, "../../.ci/summarize.mjs");
const folder = mkdtempSync(join(tmpdir(), "ci-"));

afterAll(() => rmSync(folder, { recursive: true }));

function summarize(report: string, status: number): { readonly line: string; readonly exit: number | null } {
  const file = join(folder, "report.json");
  writeFileSync(file, report);
  const { stdout, status: exit } = spawnSync(process.execPath, [SCRIPT, file, String(status)], {
    encoding: "utf8",
  });
  return { line: stdout, exit };
}

const PASSED = { status: "passed", assertionResults: [{ status: "passed" }] };

describe("the last line of .ci/run", () => {
  test("counts what passed", () => {
    const report = { numPassedTests: 7, numFailedTests: 0, numTotalTests: 7, testResults: [PASSED] };
    expect(summarize(JSON.stringify(report), 0)).toEqual({ line: "7 passed, 0 failed\n", exit: 0 });
  });

  test("counts what failed", () => {
    const testResults = [PASSED, { status: "failed", assertionResults: [{ status: "failed" }] }];
    const report = { numPassedTests: 6, numFailedTests: 1, numTotalTests: 7, testResults };
    expect(summarize(JSON.stringify(report), 1)).toEqual({ line: "6 passed, 1 failed\n", exit: 1 });
  });

  test("counts a file that does not load as a failure", () => {
    const testResults = [PASSED, { status: "failed", assertionResults: [] }];
    const report = { numPassedTests: 1, numFailedTests: 0, numTotalTests: 1, testResults };
    expect(summarize(JSON.stringify(report), 1)).toEqual({ line: "1 passed, 1 failed\n", exit: 1 });
  });

  test("counts a skipped test as a failure", () => {
    const report = { numPassedTests: 5, numFailedTests: 0, numTotalTests: 7, testResults: [PASSED] };
    expect(summarize(JSON.stringify(report), 0)).toEqual({ line: "5 passed, 2 failed\n", exit: 1 });
  });

  test("never says that all is well when an earlier step failed or nothing ran", () => {
    expect(summarize("", 3)).toEqual({ line: "0 passed, 1 failed\n", exit: 1 });
    expect(summarize("", 0)).toEqual({ line: "0 passed, 1 failed\n", exit: 1 });
    const report = { numPassedTests: 7, numFailedTests: 0, numTotalTests: 7, testResults: [PASSED] };
    expect(summarize(JSON.stringify(report), 1)).toEqual({ line: "7 passed, 1 failed\n", exit: 1 });
  });
});
