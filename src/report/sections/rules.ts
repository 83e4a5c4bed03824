import type { RuleResult } from "../../model/gate.ts";
import type { RunSummary } from "../../model/run.ts";
import { count, plainNumber } from "../numbers.ts";
import { DECISION_TONE, type Style } from "../style.ts";
import { table } from "../table.ts";
import { quoted } from "../text.ts";

const MAX_ROWS = 20;
const COLUMNS = [
  { title: "rule" },
  { title: "cohort", elastic: true },
  { title: "target", elastic: true },
  { title: "observed", align: "right" as const },
  { title: "threshold", align: "right" as const },
  { title: "so it is" },
];

/** The rules that are not met, those that mean no-go first. */
export function ruleSection({ gate }: RunSummary, style: Style): string[] {
  const unmet = (gate?.rules ?? [])
    .filter(({ met }) => !met)
    .toSorted((a, b) => Number(b.unmetMeans === "no-go") - Number(a.unmetMeans === "no-go"));
  if (unmet.length === 0) return [];
  const rest = unmet.length - MAX_ROWS;
  return [
    style.tone("strong", "Rules not met"),
    ...table(
      COLUMNS,
      unmet.slice(0, MAX_ROWS).map((rule) => ruleRow(rule)),
      style,
      2,
    ),
    ...(rest > 0 ? [style.tone("dim", `  and ${count(rest)} more`)] : []),
  ];
}

function ruleRow(rule: RuleResult) {
  const whole = rule.cohort === null;
  return [
    rule.rule,
    whole ? { text: "(all)", tone: "dim" as const } : quoted(rule.cohort ?? ""),
    rule.target === null ? "" : quoted(rule.target),
    rule.observed === null ? "nothing" : plainNumber(rule.observed),
    `${thresholdSign(rule)}${plainNumber(rule.threshold)}`,
    { text: rule.unmetMeans, tone: DECISION_TONE[rule.unmetMeans] },
  ];
}

/** `min…` rules are lower bounds, all others upper ones. */
function thresholdSign({ rule }: RuleResult): string {
  return rule.startsWith("min") ? "≥ " : "≤ ";
}
