import type { CauseCode } from "../../model/causes.ts";
import type { CauseGroup, RunSummary } from "../../model/run.ts";
import { plural } from "../numbers.ts";
import type { Style } from "../style.ts";
import { pad, printable, quoted, wrap } from "../text.ts";

const MAX_EVIDENCE_LINES = 5;
const LABEL_WIDTH = 9;

/** Checks of one verdict grouped by their first cause, each with what to do next. */
export function causeSection(
  title: string,
  verdict: CauseGroup["verdict"],
  { causes }: RunSummary,
  meaning: ((cause: CauseCode) => string) | undefined,
  style: Style,
): string[] {
  const groups = causes.filter((group) => group.verdict === verdict);
  if (groups.length === 0) return [];
  return [
    style.tone("strong", title),
    ...groups.flatMap((group) => causeLines(group, meaning?.(group.cause) ?? "", style)),
  ];
}

function causeLines(group: CauseGroup, meaning: string, style: Style): string[] {
  const { cause, verdict, checks, examples, evidence, nextStep } = group;
  const [symbol, tone] = verdict === "fail" ? (["✘", "bad"] as const) : (["?", "unsure"] as const);
  const more = checks > examples.length ? ", …" : "";
  const devices = `${examples.map(quoted).join(", ")}${more}`;
  return [
    `  ${style.tone(tone, `${symbol} ${cause}`)}  ${plural(checks, "check")}`,
    ...labelled("means", meaning, style),
    ...labelled("evidence", evidence, style, MAX_EVIDENCE_LINES),
    ...labelled("next", nextStep, style),
    ...labelled("devices", devices, style),
  ];
}

function labelled(label: string, text: string, style: Style, maxLines = Number.POSITIVE_INFINITY): string[] {
  const indent = 4 + LABEL_WIDTH;
  const lines = wrap(printable(text), style.width - indent);
  if (lines.length > maxLines) {
    lines.length = maxLines;
    lines[maxLines - 1] = `${lines[maxLines - 1]?.slice(0, -4)} …`;
  }
  return lines.map((line, at) => {
    const head = `    ${style.tone("dim", pad(at === 0 ? label : "", LABEL_WIDTH))}`;
    return `${head}${line}`;
  });
}
