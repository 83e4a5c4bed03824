/** 12,345: the same in every locale, so that reports can be compared. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** 1 check, 2 checks. */
export function plural(value: number, noun: string): string {
  return `${count(value)} ${noun}${value === 1 ? "" : "s"}`;
}

/** A time between request and answer: 0.42 ms, 7.3 ms, 120 ms, 4.9 s. */
export function latency(seconds: number): string {
  const ms = seconds * 1000;
  if (ms < 1) return `${ms.toFixed(2)} ms`;
  if (ms < 10) return `${ms.toFixed(1)} ms`;
  if (ms < 999.5) return `${ms.toFixed(0)} ms`;
  return `${seconds.toFixed(1)} s`;
}

/** A time a person waits: 0.4 s, 42 s, 3 min 05 s, 2 h 10 min. */
export function duration(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${String(whole % 60).padStart(2, "0")} s`;
  return `${Math.floor(whole / 3600)} h ${String(Math.floor((whole % 3600) / 60)).padStart(2, "0")} min`;
}

/** A ratio or a number of checks, short. */
export function plainNumber(value: number): string {
  return String(Math.round(value * 10_000) / 10_000);
}
