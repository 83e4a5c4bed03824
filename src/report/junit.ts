import type { Writable } from "node:stream";
import type { ResultRecord } from "../model/result.ts";
import type { RunSummary } from "../model/run.ts";
import { streamText } from "./stream.ts";
import { printable } from "./text.ts";

/**
 * The run as JUnit XML, as CI servers read it (the schema of Jenkins' xUnit plugin): one test case for the decision
 * and one for each check. fail → failure, inconclusive → error, skipped → skipped; a check that was not run leaves no
 * test case, and the decision's says so.
 */
export async function writeJunitReport(
  out: Writable,
  summary: RunSummary,
  results: () => Iterable<ResultRecord>,
): Promise<void> {
  await streamText(out, junitText(summary, results));
}

function* junitText(summary: RunSummary, results: () => Iterable<ResultRecord>): Generator<string> {
  // The totals stand before the test cases, and a large fleet's are never in memory together: it is read twice.
  const totals = { tests: 1, failures: 0, errors: 0, skipped: 0 };
  const decision = decisionCase(summary);
  if (decision.outcome !== null) totals[decision.outcome] += 1;
  for (const { verdict } of results()) {
    totals.tests += 1;
    const outcome = OUTCOMES[verdict];
    if (outcome !== null) totals[outcome.total] += 1;
  }
  const { suite, durationSeconds, startedAt } = summary;
  const counted = attributes({ ...totals, time: durationSeconds.toFixed(3) });
  yield '<?xml version="1.0" encoding="UTF-8"?>\n';
  yield `<testsuites name="fleet-smoke"${counted}>\n`;
  yield `<testsuite${attributes({ name: suite })}${counted}${attributes({ timestamp: startedAt.slice(0, 19) })}>\n`;
  yield decision.text;
  for (const result of results()) yield checkCase(result);
  yield "</testsuite>\n</testsuites>\n";
}

const OUTCOMES = {
  pass: null,
  fail: { element: "failure", total: "failures" },
  inconclusive: { element: "error", total: "errors" },
  skipped: { element: "skipped", total: "skipped" },
} as const satisfies Record<ResultRecord["verdict"], object | null>;

function decisionCase({ suite, decision, reason, durationSeconds, counts }: RunSummary): {
  readonly outcome: "failures" | "errors" | null;
  readonly text: string;
} {
  const head = `<testcase${attributes({ classname: "gate", name: suite, time: durationSeconds.toFixed(3) })}`;
  if (decision === "go") return { outcome: null, text: `${head}/>\n` };
  const word = decision ?? "not finished";
  const notRun = counts.notRun > 0 ? `; ${counts.notRun} checks were not run` : "";
  const [element, outcome] =
    decision === "no-go" ? (["failure", "failures"] as const) : (["error", "errors"] as const);
  const inner = `<${element}${attributes({ message: `${word}: ${reason}${notRun}`, type: word })}/>`;
  return { outcome, text: `${head}>${inner}</testcase>\n` };
}

function checkCase(result: ResultRecord): string {
  const { target, cohort, protocol, device, derived, verdict, causes, timings } = result;
  const seconds = Object.values(timings.phases).reduce((sum, each) => sum + each, timings.invokeSeconds ?? 0);
  const name = `${device} over ${protocol}${derived === null ? "" : `, ${derived}`}`;
  const classname = [target, cohort, protocol].join(".");
  const head = `<testcase${attributes({ classname, name, time: seconds.toFixed(6) })}`;
  const outcome = OUTCOMES[verdict];
  if (outcome === null) return `${head}/>\n`;
  const [first] = causes;
  const message = first === undefined ? verdict : `${first.code}: ${first.evidence}`;
  if (outcome.element === "skipped") return `${head}><skipped${attributes({ message })}/></testcase>\n`;
  const lines = causes.map(({ code, evidence, nextStep }) => `${code}: ${evidence}\nnext: ${nextStep}`);
  const text = escapeXml(lines.join("\n").split("\n").map(printable).join("\n"));
  const type = first?.code ?? verdict;
  return `${head}><${outcome.element}${attributes({ message, type })}>${text}</${outcome.element}></testcase>\n`;
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escapeXml(printable(String(value)))}"`)
    .join("");
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&apos;",
};

/** For text and attributes alike; control characters were made visible before. */
export function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
}
