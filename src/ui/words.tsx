import type { ComponentChildren } from "preact";
import type { GateAnswer } from "../model/gate-answer.ts";

/** A word with its sign and colour: neither stands alone. */
interface Word {
  readonly sign: string;
  readonly word: string;
  readonly tone: Tone;
}
export type Tone = "good" | "bad" | "unsure" | "busy" | "quiet";

const WORDS: Readonly<Record<string, Word>> = {
  go: { sign: "✓", word: "GO", tone: "good" },
  "no-go": { sign: "✕", word: "NO-GO", tone: "bad" },
  inconclusive: { sign: "?", word: "INCONCLUSIVE", tone: "unsure" },
  running: { sign: "↻", word: "RUNNING", tone: "busy" },
  queued: { sign: "…", word: "QUEUED", tone: "busy" },
  interrupted: { sign: "‖", word: "INTERRUPTED", tone: "unsure" },
  cancelled: { sign: "–", word: "CANCELLED", tone: "quiet" },
  pass: { sign: "✓", word: "pass", tone: "good" },
  fail: { sign: "✕", word: "fail", tone: "bad" },
  skipped: { sign: "–", word: "skipped", tone: "quiet" },
};

export function wordOf(word: string): Word {
  return WORDS[word] ?? { sign: "·", word, tone: "quiet" };
}

export function Badge({ of, small = false }: { readonly of: string; readonly small?: boolean }) {
  const { sign, word, tone } = wordOf(of);
  return (
    <span class={`badge ${tone}${small ? " small" : ""}`}>
      <span aria-hidden="true">{sign}</span> {small ? word.toLowerCase() : word}
    </span>
  );
}

/** A wide table scrolls in itself, by keyboard too, and never the page. */
export function Scrolls({
  label,
  children,
}: {
  readonly label: string;
  readonly children: ComponentChildren;
}) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by keyboard
    <section class="scrolls" aria-label={label} tabIndex={0}>
      {children}
    </section>
  );
}

export function Problem({ text }: { readonly text: string | null }) {
  return text === null ? null : (
    <p class="problem" role="alert">
      {text}
    </p>
  );
}

export function Panel(props: {
  readonly title: string;
  readonly hint?: string;
  readonly children: ComponentChildren;
}) {
  return (
    <section class="panel">
      <h2>{props.title}</h2>
      {props.hint === undefined ? null : <p class="hint">{props.hint}</p>}
      {props.children}
    </section>
  );
}

/** The decision for somebody at three in the morning: would the devices get in? */
export function answerInWords({ decision, ok, override }: GateAnswer): string {
  if (decision === "go") return "The devices would get in.";
  if (decision === "no-go") return "Devices would be locked out, or let in who must not be.";
  if (decision === "running") return "Being tested now.";
  return ok && override !== null
    ? "Not known; passed on somebody's word."
    : "Not known. Do not roll out on this.";
}
