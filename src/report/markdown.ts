import type { CauseCode } from "../model/causes.ts";
import type { Decision, GroupTally } from "../model/gate.ts";
import type { CauseGroup, LatencyRow, RunSummary } from "../model/run.ts";
import { driftRows, latencyShifts } from "./drift.ts";
import { count, duration, latency, plainNumber, plural } from "./numbers.ts";
import { sampleLines } from "./sample.ts";
import { selectedText } from "./selected.ts";
import { printable } from "./text.ts";

export interface MarkdownOptions {
  /** One sentence on what a cause means. */
  readonly meaning: (cause: CauseCode) => string;
}

/** GitHub cuts a step summary off at 1 MiB; rows beyond these are only counted. */
const MAX_ROWS = 100;
const MAX_CAUSES = 40;
const MAX_NOTES = 20;
const MAX_TEXT = 300;

/**
 * The run for people who read it in a merge request or as a step summary. Its size does not depend on the fleet's: no
 * device is listed but a few examples. Text from outside is escaped: it can neither format nor link nor mention.
 */
export function markdownReport(summary: RunSummary, options: MarkdownOptions): string {
  const sections = [
    heading(summary),
    cohorts(summary),
    sample(summary),
    rules(summary),
    causes("Failures", "fail", summary, options),
    causes("Inconclusive", "inconclusive", summary, options),
    agreement(summary),
    latencies(summary.latency),
    drift(summary),
    notes(summary),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n")}\n`;
}

const SYMBOLS: Readonly<Record<Decision, string>> = { go: "✅", "no-go": "❌", inconclusive: "❔" };

function heading({
  suite,
  selection,
  decision,
  status,
  reason,
  counts,
  durationSeconds,
  runId,
  startedAt,
}: RunSummary): string[] {
  const word = decision === null ? status : `${SYMBOLS[decision]} ${decision}`;
  const all = [
    `${count(counts.checks)} of ${plural(counts.planned, "check")} in ${duration(durationSeconds)}`,
    `${count(counts.pass)} pass`,
    `${count(counts.fail)} fail`,
    `${count(counts.inconclusive)} inconclusive`,
    `${count(counts.skipped)} skipped`,
    `${count(counts.notRun)} not run`,
    plural(counts.derived, "derived check"),
    plural(counts.invalidProfiles, "invalid profile"),
  ];
  const only = selectedText(selection);
  return [
    `## ${word}: ${escapeMarkdown(suite)}${only === "" ? "" : `, ${escapeMarkdown(only)}`}`,
    "",
    escapeMarkdown(reason),
    "",
    all.join(" · "),
    "",
    `Run ${escapeMarkdown(runId)}, started ${escapeMarkdown(startedAt)}`,
  ];
}

function cohorts({ groups, gate }: RunSummary): string[] {
  const decisionOf = ({ target, cohort }: GroupTally) =>
    gate?.groups.find((each) => each.target === target && each.cohort === cohort)?.decision ?? null;
  const rows = groups.map((group) => {
    const decision = decisionOf(group);
    const { cohort, target, pass, fail, inconclusive, skipped, notRun, expected } = group;
    const numbers = [pass, fail, inconclusive, skipped, notRun, expected].map(count);
    return [
      escapeMarkdown(cohort),
      escapeMarkdown(target),
      decision === null ? "" : `${SYMBOLS[decision]} ${decision}`,
      ...numbers,
    ];
  });
  const titles = [
    "cohort",
    "target",
    "decision",
    "pass",
    "fail",
    "inconclusive",
    "skipped",
    "not run",
    "expected",
  ];
  return section("Cohorts", titles, rows, 3);
}

function sample(summary: RunSummary): string[] {
  const lines = sampleLines(summary);
  return lines.length === 0 ? [] : ["### Sample", "", ...lines.map((line) => `- ${escapeMarkdown(line)}`)];
}

function rules({ gate }: RunSummary): string[] {
  const rows = (gate?.rules ?? [])
    .filter(({ met }) => !met)
    .map(({ rule, cohort, target, observed, threshold, unmetMeans }) => [
      escapeMarkdown(rule),
      cohort === null ? "(all)" : escapeMarkdown(cohort),
      target === null ? "" : escapeMarkdown(target),
      observed === null ? "nothing" : plainNumber(observed),
      plainNumber(threshold),
      unmetMeans,
    ]);
  return section("Rules not met", ["rule", "cohort", "target", "observed", "threshold", "so it is"], rows, 3);
}

function causes(
  title: string,
  verdict: CauseGroup["verdict"],
  summary: RunSummary,
  { meaning }: MarkdownOptions,
): string[] {
  const groups = summary.causes.filter((group) => group.verdict === verdict);
  if (groups.length === 0) return [];
  const shown = groups
    .slice(0, MAX_CAUSES)
    .flatMap(({ cause, checks, evidence, nextStep, examples }) => [
      `- **\`${cause}\`**, ${plural(checks, "check")}: ${escapeMarkdown(meaning(cause))}`,
      `  - evidence: ${escapeMarkdown(evidence)}`,
      `  - next: ${escapeMarkdown(nextStep)}`,
      `  - devices: ${examples.map(escapeMarkdown).join(", ")}${checks > examples.length ? ", …" : ""}`,
    ]);
  const rest = groups.length - MAX_CAUSES;
  return [`### ${title}`, "", ...shown, ...(rest > 0 ? [`- and ${count(rest)} more causes`] : [])];
}

function agreement(summary: RunSummary): string[] {
  const rows = summary.agreement.map(({ authorizer, gateway, checks }) => [
    authorizer,
    gateway,
    count(checks),
  ]);
  return section("Authorizer and gateway", ["authorizer", "gateway", "checks"], rows, 2);
}

function latencies(rows: readonly LatencyRow[]): string[] {
  const cells = rows.map(({ protocol, phase, samples, p50, p95, p99, max }) => [
    escapeMarkdown(protocol),
    escapeMarkdown(phase),
    count(samples),
    ...[p50, p95, p99, max].map(latency),
  ]);
  return section("Latency", ["protocol", "phase", "samples", "p50", "p95", "p99", "max"], cells, 2);
}

function drift({ drift: found }: RunSummary): string[] {
  if (found === null) return [];
  const rows = driftRows(found).map(({ what, checks, examples }) => [
    what,
    count(checks),
    `${examples.map(escapeMarkdown).join(", ")}${checks > examples.length ? ", …" : ""}`,
  ]);
  const shifts = latencyShifts(found);
  return [
    `### Since the last go, run ${escapeMarkdown(found.since)}`,
    "",
    ...(rows.length === 0
      ? ["No difference among checks that were tested in both runs."]
      : tableLines(["change", "checks", "for example"], ["---", "---:", "---"], rows)),
    ...(shifts === "" ? [] : ["", `p95: ${escapeMarkdown(shifts)}`]),
  ];
}

function notes({ notes: all }: RunSummary): string[] {
  if (all.length === 0) return [];
  const rest = all.length - MAX_NOTES;
  return [
    "### Notes",
    "",
    ...all.slice(0, MAX_NOTES).map((note) => `- ${escapeMarkdown(note)}`),
    ...(rest > 0 ? [`- and ${count(rest)} more`] : []),
  ];
}

/** @param words how many of the columns hold words; the rest are numbers, set to the right */
function section(
  title: string,
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  words: number,
): string[] {
  if (rows.length === 0) return [];
  const rest = rows.length - MAX_ROWS;
  const sides = titles.map((_title, at) => (at < words ? "---" : "---:"));
  return [
    `### ${title}`,
    "",
    ...tableLines(titles, sides, rows.slice(0, MAX_ROWS)),
    ...(rest > 0 ? ["", `and ${count(rest)} more`] : []),
  ];
}

function tableLines(
  titles: readonly string[],
  sides: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  return [titles, sides, ...rows].map((cells) => `| ${cells.join(" | ")} |`);
}

/** As character references, whatever Markdown, GitHub or HTML reads something into. */
export function escapeMarkdown(text: string): string {
  const short = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
  return printable(short).replace(
    /[&<>|`*_[\]()#!~\\@:^$=]/g,
    (character) => `&#${character.charCodeAt(0)};`,
  );
}
