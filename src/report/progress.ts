import { monotonicMs } from "../lib/clock.ts";
import { count } from "./numbers.ts";
import { derivedText, Pace, type ProgressCounts, share } from "./pace.ts";
import { createStyle, type Style, type Tone, toAscii } from "./style.ts";
import { ellipsize, pad, quoted, widthOf } from "./text.ts";

/** Where progress is drawn: standard error, as standard output carries only the answer. */
export interface ProgressOutput {
  write(text: string): unknown;
  readonly isTTY: boolean;
  readonly columns?: number | undefined;
}

export interface ProgressOptions {
  /** Asked whenever something is drawn. */
  readonly counts: () => ProgressCounts;
  /** What is running. */
  readonly label?: string;
  /** Default: on a terminal. */
  readonly color?: boolean;
  /** false: ASCII only. */
  readonly unicode?: boolean;
  /** Monotonic milliseconds. */
  readonly nowMs?: () => number;
}

export interface Progress {
  start(): void;
  /** Draws the end and stops its timer; again, it does nothing. */
  stop(): void;
}

/** Draws at one moment; `final`: for the last time. */
type Draw = (pace: Pace, final: boolean) => void;

const REDRAW_MS = 100;
const LINE_EVERY_MS = 5000;
const LINE_EVERY_SHARE = 0.1;
const DEFAULT_COLUMNS = 80;
const MAX_BAR = 30;
const MIN_BAR = 5;
const MAX_LABEL = 20;
const RATE_WIDTH = 6;
const ETA_WIDTH = 9;
const GAP = "  ";
const ERASE_LINE = "\r\u001b[K";

/** One line that is redrawn on a terminal; elsewhere a plain line every 5 seconds or 10 percent. */
export function createProgress(out: ProgressOutput, options: ProgressOptions): Progress {
  const draw = out.isTTY ? liveLine(out, options) : plainLines(out, options);
  let running: { readonly pace: Pace; readonly timer: NodeJS.Timeout } | null = null;
  return {
    start() {
      const pace = new Pace(options.nowMs ?? monotonicMs);
      running = { pace, timer: setInterval(() => draw(pace, false), REDRAW_MS) };
      draw(pace, false);
    },
    stop() {
      if (running === null) return;
      clearInterval(running.timer);
      draw(running.pace, true);
      running = null;
    },
  };
}

function liveLine(out: ProgressOutput, { counts, label, color, unicode }: ProgressOptions): Draw {
  return (pace, final) => {
    // A line that fills the last column wraps on some terminals, and then it cannot be redrawn.
    const width = (out.columns || DEFAULT_COLUMNS) - 1;
    const style = createStyle({ color: color ?? true, width });
    const now = counts();
    pace.see(now);
    const line = lineText(label ?? "", now, pace, style, width);
    out.write(`${ERASE_LINE}${unicode === false ? toAscii(line) : line}${final ? "\n" : ""}`);
  };
}

interface Part {
  readonly text: string;
  readonly tone: Tone;
  /** Where the line is too narrow the lowest goes first. */
  readonly worth: 1 | 2 | 3 | 4 | 5 | 6;
}

function lineText(label: string, counts: ProgressCounts, pace: Pace, style: Style, width: number): string {
  const planned = count(counts.planned);
  // Every part keeps its width while the numbers grow: the bar must not jump.
  const digits = (value: number) => pad(count(value), planned.length);
  const all: readonly Part[] = [
    { text: label === "" ? "" : ellipsize(quoted(label), MAX_LABEL), tone: "strong", worth: 3 },
    { text: `${pad(count(counts.checks), planned.length, "right")}/${planned}`, tone: "plain", worth: 6 },
    { text: pad(`${Math.floor(100 * share(counts))}%`, 4, "right"), tone: "plain", worth: 4 },
    { text: pad(pace.rate(), RATE_WIDTH), tone: "dim", worth: 1 },
    { text: pad(pace.remaining(counts), ETA_WIDTH), tone: "dim", worth: 2 },
    { text: `✔ ${digits(counts.pass)}`, tone: counts.pass > 0 ? "good" : "dim", worth: 5 },
    { text: `✘ ${digits(counts.fail)}`, tone: counts.fail > 0 ? "bad" : "dim", worth: 5 },
    { text: `? ${count(counts.inconclusive)}`, tone: counts.inconclusive > 0 ? "unsure" : "dim", worth: 5 },
    { text: derivedText(counts), tone: "dim", worth: 2 },
  ];
  let parts = all.filter(({ text }) => text !== "");
  for (let worth = 1; worth < 6 && spare(parts, width) < MIN_BAR; worth += 1) {
    parts = parts.filter((part) => part.worth !== worth);
  }
  const texts = parts.map(({ tone, text }) => style.tone(tone, text));
  const room = Math.min(MAX_BAR, spare(parts, width));
  const [first] = parts;
  if (room >= MIN_BAR) texts.splice(first?.worth === 3 ? 1 : 0, 0, bar(share(counts), room, style));
  return texts.join(GAP);
}

/** Columns left for the bar. */
function spare(parts: readonly Part[], width: number): number {
  return width - parts.reduce((all, { text }) => all + widthOf(text) + GAP.length, 0);
}

function bar(filled: number, width: number, style: Style): string {
  const full = Math.floor(filled * width);
  return style.tone("good", "█".repeat(full)) + style.tone("dim", "░".repeat(width - full));
}

function plainLines(out: ProgressOutput, { counts, label }: ProgressOptions): Draw {
  const prefix = label === undefined ? "" : `${quoted(label)}: `;
  let written = { atMs: Number.NEGATIVE_INFINITY, share: 0, checks: -1 };
  return (pace, final) => {
    const now = counts();
    pace.see(now);
    // Nothing is known yet: the sources are still being read.
    if (now.planned === 0 && !final) return;
    const isDue =
      pace.elapsedMs() - written.atMs >= LINE_EVERY_MS || share(now) - written.share >= LINE_EVERY_SHARE;
    if (final ? now.checks === written.checks : !isDue) return;
    written = { atMs: pace.elapsedMs(), share: share(now), checks: now.checks };
    const parts = [
      `${count(now.checks)}/${count(now.planned)} (${Math.floor(100 * share(now))}%)`,
      pace.rate(),
      pace.remaining(now),
      `${count(now.pass)} pass, ${count(now.fail)} fail, ${count(now.inconclusive)} inconclusive`,
      derivedText(now),
    ];
    out.write(`${prefix}${parts.filter((part) => part !== "").join(", ")}\n`);
  };
}
