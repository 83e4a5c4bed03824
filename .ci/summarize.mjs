// Usage: summarize.mjs <vitest json report> <exit status so far>. Prints `N passed, N failed`; exits 1 if any failed.
import { readFileSync } from "node:fs";

const [file = "", status = "0"] = process.argv.slice(2);
const text = readFileSync(file, "utf8");
const {
  numPassedTests = 0,
  numFailedTests = 0,
  numTotalTests = 0,
  testResults = [],
} = JSON.parse(text || "{}");

// A file that does not load fails without any of its tests failing.
const brokenFiles = testResults.filter(
  (each) => each.status === "failed" && !each.assertionResults.some((test) => test.status === "failed"),
).length;
// A test that is skipped proves nothing, so it is not a pass.
const notRun = numTotalTests - numPassedTests - numFailedTests;
const known = numFailedTests + brokenFiles + notRun;
const failed = known === 0 && (status !== "0" || numPassedTests === 0) ? 1 : known;

process.stdout.write(`${numPassedTests} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;
