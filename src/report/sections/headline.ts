import type { RunSummary } from "../../model/run.ts";
import { count, duration, plural } from "../numbers.ts";
import { DECISION_SYMBOL, DECISION_TONE, type Style } from "../style.ts";
import { printable, quoted, wrap } from "../text.ts";

/** The decision and why. */
export function headline({ suite, status, decision, reason }: RunSummary, style: Style): string[] {
  const [symbol, word, tone] =
    decision === null
      ? ["?", status.toUpperCase(), "unsure" as const]
      : [DECISION_SYMBOL[decision], decision.toUpperCase(), DECISION_TONE[decision]];
  const first = `${style.tone(tone, style.tone("strong", `${symbol} ${word}`))}  ${quoted(suite)}`;
  return [first, ...wrap(printable(reason), style.width - 2).map((line) => `  ${line}`)];
}

/** How much was done and what came of it. */
export function overview(
  { runId, status, startedAt, durationSeconds, counts }: RunSummary,
  style: Style,
): string[] {
  const results = [
    ["pass", counts.pass, "good"],
    ["fail", counts.fail, "bad"],
    ["inconclusive", counts.inconclusive, "unsure"],
    ["skipped", counts.skipped, "plain"],
    ["not run", counts.notRun, "unsure"],
  ] as const;
  const shown = results
    .filter(([word, value]) => value > 0 || word === "pass" || word === "fail")
    .map(([word, value, tone]) => style.tone(value > 0 ? tone : "plain", `${count(value)} ${word}`));
  const also = [
    counts.derived > 0 ? `also ${plural(counts.derived, "derived check")}` : "",
    counts.invalidProfiles > 0 ? plural(counts.invalidProfiles, "invalid profile") : "",
    counts.checks < counts.planned ? `${count(counts.planned)} checks planned` : "",
  ].filter((part) => part !== "");
  const ended = status === "finished" ? "" : `, ${status}`;
  return [
    `  ${plural(counts.checks, "check")} in ${duration(durationSeconds)}: ${shown.join(", ")}`,
    ...(also.length > 0 ? [`  ${also.join(", ")}`] : []),
    style.tone("dim", `  run ${quoted(runId)}, started ${printable(startedAt)}${ended}`),
  ];
}
