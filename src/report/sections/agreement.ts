import type { Outcome } from "../../model/outcome.ts";
import type { AuthorizerWord } from "../../model/result.ts";
import type { RunSummary } from "../../model/run.ts";
import type { Style, Tone } from "../style.ts";
import { countCell, table } from "../table.ts";

const ANSWERS: readonly AuthorizerWord[] = ["allowed", "denied", "errored", "skipped"];
const OUTCOMES: readonly Outcome["kind"][] = ["accepted", "refused", "unreachable", "broken", "skipped"];
/** Shown even when empty: here a zero is news. */
const ALWAYS: ReadonlySet<string> = new Set(["allowed", "denied", "accepted", "refused"]);

/** What the authorizer answered against what the gateway did. */
export function agreementSection({ agreement }: RunSummary, style: Style): string[] {
  if (agreement.length === 0) return [];
  const checks = (answer: AuthorizerWord, outcome: Outcome["kind"]) =>
    agreement
      .filter(({ authorizer, gateway }) => authorizer === answer && gateway === outcome)
      .reduce((all, cell) => all + cell.checks, 0);
  const answers = ANSWERS.filter(
    (answer) => ALWAYS.has(answer) || OUTCOMES.some((outcome) => checks(answer, outcome) > 0),
  );
  const outcomes = OUTCOMES.filter(
    (outcome) => ALWAYS.has(outcome) || ANSWERS.some((answer) => checks(answer, outcome) > 0),
  );
  const rows = answers.map((answer) => [
    answer,
    ...outcomes.map((outcome) => countCell(checks(answer, outcome), toneOf(answer, outcome))),
  ]);
  const columns = [
    { title: "" },
    ...outcomes.map((outcome) => ({ title: outcome, align: "right" as const })),
  ];
  return [
    style.tone("strong", `Authorizer (rows) ${"×"} gateway (columns)`),
    ...table(columns, rows, style, 2),
  ];
}

function toneOf(answer: AuthorizerWord, outcome: Outcome["kind"]): Tone {
  const said = answer === "allowed" || answer === "denied";
  const did = outcome === "accepted" || outcome === "refused";
  if (!said || !did) return "unsure";
  return (answer === "allowed") === (outcome === "accepted") ? "good" : "bad";
}
