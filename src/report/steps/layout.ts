import { plural } from "../numbers.ts";
import type { Style, Tone } from "../style.ts";
import { pad, pieces, printable, widthOf, wrap } from "../text.ts";

/* How a step is laid out: a heading, then lines of a label and its text. Everything here is escaped and wrapped. */

const INDENT = 3;
const LABEL_WIDTH = 15;
/** Where the texts of `field` begin. */
export const TEXT_COLUMN = INDENT + LABEL_WIDTH;

export type Mark = "good" | "bad" | "unsure" | "none";

const MARKS: Readonly<Record<Mark, readonly [symbol: string, tone: Tone]>> = {
  good: ["✔", "good"],
  bad: ["✘", "bad"],
  unsure: ["?", "unsure"],
  none: ["·", "dim"],
};

/** A label and its text; further lines stand below the text. */
export function field(label: string, text: string, style: Style, tone: Tone = "plain"): string[] {
  const head = pad(printable(label), LABEL_WIDTH - 1);
  // A label too long for its column keeps a line of its own.
  const own = widthOf(head) >= LABEL_WIDTH ? wrap(head, style.width - INDENT) : [];
  const lines = wrap(printable(text), style.width - TEXT_COLUMN).map((line, at) => {
    const before = at === 0 && own.length === 0 ? `${head} ` : " ".repeat(LABEL_WIDTH);
    return `${" ".repeat(INDENT)}${style.tone("dim", before)}${style.tone(tone, line)}`;
  });
  return [...own.map((line) => " ".repeat(INDENT) + style.tone("dim", line)), ...lines];
}

/** As `field`, with a sign before the text. */
export function marked(label: string, mark: Mark, text: string, style: Style): string[] {
  const [symbol, tone] = MARKS[mark];
  const [first = "", ...rest] = field(label, `${symbol} ${text}`, style);
  return [first.replace(symbol, () => style.tone(tone, symbol)), ...rest];
}

/** Text of its own lines (JSON): indentation is kept, long lines are broken, what is too much is counted. */
export function block(text: string, style: Style, maxLines: number): string[] {
  const indent = INDENT + 2;
  const lines = text.split("\n").flatMap((line) => {
    const own = /^ */.exec(line)?.[0].length ?? 0;
    const shift = Math.min(own, Math.floor(style.width / 2));
    return pieces(printable(line.slice(own)), style.width - indent - shift).map(
      (part) => `${" ".repeat(indent + shift)}${part}`,
    );
  });
  if (lines.length <= maxLines) return lines;
  const more = `… ${plural(lines.length - maxLines, "more line")}`;
  return [...lines.slice(0, maxLines), `${" ".repeat(indent)}${style.tone("dim", more)}`];
}

/** A sentence of ours below a heading. */
export function sentence(text: string, style: Style, tone: Tone = "plain", deeper = 0): string[] {
  const indent = INDENT + deeper;
  return wrap(printable(text), style.width - indent).map(
    (line) => `${" ".repeat(indent)}${style.tone(tone, line)}`,
  );
}

export function joined(parts: readonly (string | null | undefined | false)[], separator = ", "): string {
  return parts.filter((part) => typeof part === "string" && part !== "").join(separator);
}
