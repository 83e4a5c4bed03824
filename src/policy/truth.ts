/** Neither yes nor no: what decides is not documented, not supported, or not known to us. */
export interface Undecided {
  readonly why: string;
}

/** Three-valued (Kleene) logic: a guess is never mixed with a fact. */
export type Truth = boolean | Undecided;

export function undecided(why: string): Undecided {
  return { why };
}

/** False as soon as one is false, however undecidable the others are; else the first undecided one; else true. */
export function every(truths: readonly Truth[]): Truth {
  if (truths.includes(false)) return false;
  return truths.find((truth) => truth !== true) ?? true;
}

/** True as soon as one is true; else the first undecided one; else false. */
export function some(truths: readonly Truth[]): Truth {
  if (truths.includes(true)) return true;
  return truths.find((truth) => truth !== false) ?? false;
}

export function not(truth: Truth): Truth {
  return typeof truth === "boolean" ? !truth : truth;
}

/** One question under several readings, at least one: decided only where all readings give the same answer. */
export function agreed(readings: readonly Truth[], why: string): Truth {
  const [first = false, ...rest] = readings;
  const open = readings.find((reading) => typeof reading !== "boolean");
  if (open !== undefined) return open;
  return rest.every((reading) => reading === first) ? first : undecided(why);
}
