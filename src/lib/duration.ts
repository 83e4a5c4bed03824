const UNITS_MS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** One whole number and one unit; JSON Schema uses the same pattern. */
export const DURATION_PATTERN = /^(\d{1,12})(ms|s|m|h|d)$/;

/**
 * Reads a duration as people write it: `250ms`, `5s`, `10m`, `2h`, `1d`.
 *
 * @returns milliseconds, or null where the text is none of these
 */
export function parseDuration(text: string): number | null {
  const [, digits, unit] = DURATION_PATTERN.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return null;
  return Number(digits) * UNITS_MS[unit as keyof typeof UNITS_MS];
}

/** The shortest way to write `durationMs`, a whole number of milliseconds: `90000` is `90s`, `120000` is `2m`. */
export function formatDuration(durationMs: number): string {
  const largestFirst = Object.entries(UNITS_MS).reverse();
  const [unit, unitMs] = largestFirst.find(([, ms]) => durationMs > 0 && durationMs % ms === 0) ?? ["ms", 1];
  return `${durationMs / unitMs}${unit}`;
}
