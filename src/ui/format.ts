const NUMBER = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const DAY = { day: "numeric", month: "short" } as const;
const CLOCK = { hour: "2-digit", minute: "2-digit", hour12: false } as const;

export function formatNumber(value: number): string {
  return NUMBER.format(value);
}

/** A ratio 0..1. Never 100 % unless it is all of them, nor 0 % unless it is none. */
export function formatRatio(ratio: number): string {
  const percent = ratio * 100;
  if (percent === 0 || percent === 100) return `${percent} %`;
  const shown = Math.min(99.99, Math.max(0.01, percent));
  return `${shown.toFixed(shown > 99 || shown < 1 ? 2 : 1)} %`;
}

/** Of how long something takes, in seconds: `0.81 ms`, `34 ms`, `1.25 s`, `3 min 20 s`. */
export function formatSeconds(seconds: number): string {
  const ms = seconds * 1000;
  if (ms < 10) return `${ms.toFixed(2)} ms`;
  if (ms < 1000) return `${ms.toFixed(0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(seconds < 10 ? 2 : 1)} s`;
  return formatSpan(seconds);
}

/** Roughly, as one says it: `40 s`, `3 min`, `2 h 5 min`, `4 days`. */
export function formatSpan(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const minutes = Math.round(whole / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  return `${Math.round(hours / 24)} days`;
}

/** The reader's own clock and day. */
export function formatTime(iso: string): string {
  const date = new Date(iso);
  return `${date.toLocaleDateString("en-GB", DAY)} ${date.toLocaleTimeString("en-GB", CLOCK)}`;
}

export function plural(count: number, noun: string): string {
  return `${formatNumber(count)} ${noun}${count === 1 ? "" : "s"}`;
}
