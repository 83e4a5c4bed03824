import type { RunSummary } from "../../model/run.ts";
import { driftRows, latencyShifts } from "../drift.ts";
import { count } from "../numbers.ts";
import type { Style } from "../style.ts";
import { table } from "../table.ts";
import { printable, quoted, wrap } from "../text.ts";

const COLUMNS = [
  { title: "change" },
  { title: "checks", align: "right" as const },
  { title: "for example", elastic: true },
];

/** What is different from the last go run of the suite. */
export function driftSection({ drift }: RunSummary, style: Style): string[] {
  if (drift === null) return [];
  const rows = driftRows(drift).map(({ what, checks, examples }) => [
    what,
    count(checks),
    `${examples.map(quoted).join(", ")}${checks > examples.length ? ", …" : ""}`,
  ]);
  const shifts = latencyShifts(drift);
  return [
    style.tone("strong", `Since the last go (run ${printable(drift.since)})`),
    ...(rows.length === 0
      ? ["  no difference among checks that were tested in both runs"]
      : table(COLUMNS, rows, style, 2)),
    ...(shifts === "" ? [] : wrap(`p95: ${printable(shifts)}`, style.width - 2).map((line) => `  ${line}`)),
  ];
}
