import type { PreflightFinding } from "../../model/preflight.ts";
import type { RunSummary } from "../../model/run.ts";
import { count } from "../numbers.ts";
import type { Style } from "../style.ts";
import { printable, quoted, wrap } from "../text.ts";

const MAX_ROWS = 12;

/** What was wrong with the targets before the first check, or could not be looked at; problems first. */
export function preflightSection({ preflight }: RunSummary, style: Style): string[] {
  const told = [
    ...preflight.filter(({ state }) => state === "problem"),
    ...preflight.filter(({ state }) => state === "not-checked"),
  ];
  if (told.length === 0) return [];
  const rest = told.length - MAX_ROWS;
  return [
    style.tone("strong", "Before the run"),
    ...told.slice(0, MAX_ROWS).flatMap((finding) => findingLines(finding, style)),
    ...(rest > 0 ? [style.tone("dim", `  and ${count(rest)} more`)] : []),
  ];
}

function findingLines({ target, what, state, detail }: PreflightFinding, style: Style): string[] {
  const [symbol, tone] = state === "problem" ? (["✘", "bad"] as const) : (["?", "unsure"] as const);
  const word = state === "problem" ? "" : "not checked: ";
  // A call's own words begin with its name.
  const said = detail.startsWith(`${what}: `) ? detail.slice(what.length + 2) : detail;
  const text = `${quoted(target)}, ${what}: ${word}${printable(said)}`;
  return wrap(text, style.width - 4).map((line, at) =>
    at === 0 ? `  ${style.tone(tone, symbol)} ${line}` : `    ${line}`,
  );
}
