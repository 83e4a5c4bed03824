import type { Decision, GroupTally } from "../../model/gate.ts";
import type { RunSummary } from "../../model/run.ts";
import { count } from "../numbers.ts";
import { DECISION_SYMBOL, DECISION_TONE, type Style, type Tone } from "../style.ts";
import { type Cell, type Column, countCell, table } from "../table.ts";
import { quoted } from "../text.ts";

const MAX_ROWS = 20;
const WORST_FIRST: readonly (Decision | null)[] = ["no-go", "inconclusive", null, "go"];

type NumberField = "pass" | "fail" | "inconclusive" | "skipped" | "notRun";
const NUMBERS: readonly {
  readonly title: string;
  readonly field: NumberField;
  readonly tone: Tone;
  readonly always: boolean;
}[] = [
  { title: "pass", field: "pass", tone: "plain", always: true },
  { title: "fail", field: "fail", tone: "bad", always: true },
  { title: "unsure", field: "inconclusive", tone: "unsure", always: true },
  { title: "skipped", field: "skipped", tone: "plain", always: false },
  { title: "not run", field: "notRun", tone: "unsure", always: false },
];

/** One row for each cohort of each target, the worst first. */
export function cohortSection({ groups, gate }: RunSummary, style: Style): string[] {
  if (groups.length === 0) return [];
  const decisionOf = (group: GroupTally): Decision | null =>
    gate?.groups.find(({ target, cohort }) => target === group.target && cohort === group.cohort)?.decision ??
    null;
  const rows = groups
    .map((group) => ({ group, decision: decisionOf(group) }))
    .sort((a, b) => WORST_FIRST.indexOf(a.decision) - WORST_FIRST.indexOf(b.decision));
  const numbers = NUMBERS.filter(({ field, always }) => always || groups.some((group) => group[field] > 0));
  const columns: Column[] = [
    { title: "cohort", elastic: true },
    { title: "target", elastic: true },
    { title: "decision" },
    ...numbers.map(({ title }) => ({ title, align: "right" as const })),
  ];
  const lines = rows
    .slice(0, MAX_ROWS)
    .map(({ group, decision }) => [
      quoted(group.cohort),
      quoted(group.target),
      decisionCell(decision),
      ...numbers.map(({ field, tone }) => countCell(group[field], tone)),
    ]);
  const rest = rows.length - lines.length;
  return [
    style.tone("strong", "Cohorts"),
    ...table(columns, lines, style, 2),
    ...(rest > 0 ? [style.tone("dim", `  and ${count(rest)} more, none worse`)] : []),
  ];
}

function decisionCell(decision: Decision | null): Cell {
  if (decision === null) return { text: "·", tone: "dim" };
  return { text: `${DECISION_SYMBOL[decision]} ${decision}`, tone: DECISION_TONE[decision] };
}
