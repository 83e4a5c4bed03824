import { cut, neutralize } from "../lib/scrub.ts";

/** What names beyond the limit share. */
export const OVERFLOW = "_overflow";
const MAX_CHARACTERS = 200;

/**
 * Text that any Prometheus parser takes as a label's value. Two values may become one, and then their samples
 * must be added up before they are exported: a page with the same series twice is rejected as a whole.
 */
export function labelValue(text: string): string {
  return cut(neutralize(text), MAX_CHARACTERS);
}

/** Values of a label that comes from outside: the first `limit` different ones, the rest as `_overflow`. */
export class BoundedLabel {
  readonly #limit: number;
  readonly #known = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  of(name: string): string {
    const value = labelValue(name);
    if (this.#known.has(value)) return value;
    if (this.#known.size >= this.#limit) return OVERFLOW;
    this.#known.add(value);
    return value;
  }

  /** Frees the places of names that are no longer in use. */
  retain(names: readonly string[]): void {
    const used = new Set(names.map(labelValue));
    for (const value of this.#known) if (!used.has(value)) this.#known.delete(value);
  }
}
