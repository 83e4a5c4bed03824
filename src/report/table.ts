import { count } from "./numbers.ts";
import type { Style, Tone } from "./style.ts";
import { ellipsize, pad, widthOf } from "./text.ts";

export interface Column {
  readonly title: string;
  readonly align?: "left" | "right";
  /** May be cut where the terminal is too narrow. */
  readonly elastic?: boolean;
}

export interface Cell {
  readonly text: string;
  readonly tone: Tone;
}

/** A zero recedes, so that what happened stands out. */
export function countCell(value: number, tone: Tone): Cell {
  return value === 0 ? { text: "·", tone: "dim" } : { text: count(value), tone };
}

const GAP = 2;
const MIN_COLUMN = 6;

/** Aligned lines, the first one the titles. Where the terminal is too narrow the widest elastic columns give way. */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly (Cell | string)[])[],
  style: Style,
  indent: number,
): string[] {
  const cells = rows.map((row) =>
    row.map((cell) => (typeof cell === "string" ? { text: cell, tone: "plain" as const } : cell)),
  );
  const natural = columns.map(({ title }, at) =>
    Math.max(widthOf(title), ...cells.map((row) => widthOf(row[at]?.text ?? ""))),
  );
  const widths = shrink(columns, natural, style.width - indent - GAP * (columns.length - 1));
  const titles = columns.map(({ title }) => ({ text: title, tone: "dim" as const }));
  return [titles, ...cells].map((row) => {
    const line = columns.map(({ align }, at) => {
      const width = widths[at] ?? 0;
      const { text, tone } = row[at] ?? { text: "", tone: "plain" };
      const last = at === columns.length - 1 && align !== "right";
      const fitted = ellipsize(text, width);
      return style.tone(tone, last ? fitted : pad(fitted, width, align));
    });
    return (" ".repeat(indent) + line.join(" ".repeat(GAP))).trimEnd();
  });
}

function shrink(columns: readonly Column[], natural: readonly number[], available: number): number[] {
  const widths = [...natural];
  let excess = widths.reduce((all, width) => all + width, 0) - available;
  while (excess > 0) {
    const flexible = widths
      .map((width, at) => ({ width, at }))
      .filter(({ width, at }) => columns[at]?.elastic && width > MIN_COLUMN)
      .sort((a, b) => b.width - a.width);
    const [widest] = flexible;
    if (widest === undefined) break;
    widths[widest.at] = widest.width - 1;
    excess -= 1;
  }
  return widths;
}
