import type { CauseCode } from "../model/causes.ts";
import type { RunSummary } from "../model/run.ts";
import { sampleLines } from "./sample.ts";
import { agreementSection } from "./sections/agreement.ts";
import { causeSection } from "./sections/causes.ts";
import { cohortSection } from "./sections/cohorts.ts";
import { driftSection } from "./sections/drift.ts";
import { headline, overview } from "./sections/headline.ts";
import { latencySection } from "./sections/latency.ts";
import { preflightSection } from "./sections/preflight.ts";
import { ruleSection } from "./sections/rules.ts";
import { createStyle, type Style, type StyleOptions, toAscii } from "./style.ts";
import { printable, wrap } from "./text.ts";

export interface SummaryOptions extends StyleOptions {
  /** One sentence on what a cause means. */
  readonly meaning?: (cause: CauseCode) => string;
}

/**
 * What a person sees after a run, without a trailing line break. The decision opens it, and closes it too: the
 * end of a long text is what a terminal shows.
 */
export function summaryText(summary: RunSummary, options: SummaryOptions): string {
  const style = createStyle(options);
  const sections = [
    headline(summary, style),
    overview(summary, style),
    preflightSection(summary, style),
    cohortSection(summary, style),
    sampleSection(summary, style),
    agreementSection(summary, style),
    causeSection("Failures", "fail", summary, options.meaning, style),
    causeSection("Inconclusive", "inconclusive", summary, options.meaning, style),
    latencySection(summary, style),
    driftSection(summary, style),
    ruleSection(summary, style),
    noteSection(summary, style),
    headline(summary, style),
  ];
  const text = sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
  return options.unicode === false ? toAscii(text) : text;
}

function sampleSection(summary: RunSummary, style: Style): string[] {
  return listSection("Sample", sampleLines(summary), style);
}

function noteSection({ notes }: RunSummary, style: Style): string[] {
  return listSection("Notes", notes, style);
}

function listSection(title: string, items: readonly string[], style: Style): string[] {
  if (items.length === 0) return [];
  const lines = items.flatMap((item) =>
    wrap(printable(item), style.width - 4).map((line, at) => `  ${at === 0 ? "- " : "  "}${line}`),
  );
  return [style.tone("strong", title), ...lines];
}
