import type { RunSummary } from "../../model/run.ts";
import { count, duration, plural } from "../numbers.ts";
import { selectedText } from "../selected.ts";
import { DECISION_SYMBOL, DECISION_TONE, type Style } from "../style.ts";
import { ellipsize, printable, quoted, wrap } from "../text.ts";

const INDENT = "  ";
const MAX_SUITE = 50;

/** The decision and why. */
export function headline({ suite, selection, status, decision, reason }: RunSummary, style: Style): string[] {
  const [symbol, word, tone] =
    decision === null
      ? ["?", status.toUpperCase(), "unsure" as const]
      : [DECISION_SYMBOL[decision], decision.toUpperCase(), DECISION_TONE[decision]];
  const first = style.tone(tone, style.tone("strong", `${symbol} ${word}`));
  const only = selectedText(selection);
  return [
    `${first}  ${ellipsize(quoted(suite), Math.min(MAX_SUITE, style.width - 20))}`,
    // A go of a part must not be taken for one of the suite.
    ...(only === "" ? [] : indented(only, style)),
    ...indented(reason, style),
  ];
}

/** How much was done and what came of it. */
export function overview(summary: RunSummary, style: Style): string[] {
  const { runId, status, startedAt, durationSeconds, counts } = summary;
  const done =
    counts.checks === counts.planned
      ? plural(counts.checks, "check")
      : `${count(counts.checks)} of ${plural(counts.planned, "planned check")}`;
  const also = [
    counts.derived > 0 ? `, also ${plural(counts.derived, "derived check")}` : "",
    counts.invalidProfiles > 0 ? `, ${plural(counts.invalidProfiles, "invalid profile")}` : "",
  ];
  const ended = status === "finished" ? "" : `, ${status}`;
  return [
    ...indented(`${done} in ${duration(durationSeconds)}${also.join("")}`, style),
    INDENT + verdicts(summary, style),
    ...indented(`run ${quoted(runId)}, started ${startedAt}${ended}`, style).map((line) =>
      style.tone("dim", line),
    ),
  ];
}

function verdicts({ counts }: RunSummary, style: Style): string {
  const all = [
    ["pass", counts.pass, "good"],
    ["fail", counts.fail, "bad"],
    ["inconclusive", counts.inconclusive, "unsure"],
    ["skipped", counts.skipped, "plain"],
    ["not run", counts.notRun, "unsure"],
  ] as const;
  return all
    .filter(([word, value]) => value > 0 || word === "pass" || word === "fail")
    .map(([word, value, tone]) => style.tone(value > 0 ? tone : "plain", `${count(value)} ${word}`))
    .join(", ");
}

function indented(text: string, style: Style): string[] {
  return wrap(printable(text), style.width - INDENT.length).map((line) => INDENT + line);
}
