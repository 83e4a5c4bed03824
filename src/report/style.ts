import { styleText } from "node:util";
import type { Decision } from "../model/gate.ts";

export interface StyleOptions {
  readonly color: boolean;
  /** Columns. */
  readonly width: number;
  /** false: ASCII only. */
  readonly unicode?: boolean;
}

export type Tone = "good" | "bad" | "unsure" | "dim" | "strong" | "plain";

const TONES = {
  good: ["green"],
  bad: ["red"],
  unsure: ["yellow"],
  dim: ["dim"],
  strong: ["bold"],
} as const satisfies Record<Exclude<Tone, "plain">, readonly Parameters<typeof styleText>[0][]>;

/** How text looks on this terminal. */
export interface Style {
  readonly width: number;
  tone(tone: Tone, text: string): string;
}

const MIN_WIDTH = 40;
const MAX_WIDTH = 120;

export function createStyle({ color, width }: StyleOptions): Style {
  return {
    width: Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, width)),
    tone: (tone, text) =>
      color && tone !== "plain" ? styleText([...TONES[tone]], text, { validateStream: false }) : text,
  };
}

/** Each as wide as what it stands for: the columns stay aligned. */
const ASCII: readonly (readonly [string, string])[] = [
  ["✔", "+"],
  ["✘", "x"],
  ["█", "#"],
  ["░", "-"],
  ["·", "."],
  ["…", "~"],
  ["×", "x"],
  ["≥ ", ">="],
  ["≤ ", "<="],
];

/** Our own symbols for a terminal that shows ASCII only; names keep their letters. */
export function toAscii(text: string): string {
  return ASCII.reduce((all, [symbol, plain]) => all.replaceAll(symbol, plain), text);
}

export const DECISION_TONE: Readonly<Record<Decision, Tone>> = {
  go: "good",
  "no-go": "bad",
  inconclusive: "unsure",
};
export const DECISION_SYMBOL: Readonly<Record<Decision, string>> = {
  go: "✔",
  "no-go": "✘",
  inconclusive: "?",
};
