/** How far a run was at a moment. */
export interface Mark {
  readonly atMs: number;
  readonly done: number;
}

/** Over how long the rate is taken: long enough to be calm, short enough to notice a change. */
const WINDOW_MS = 20_000;

/** Adds what is known now and forgets what is too old, but always keeps two marks. */
export function withMark(marks: readonly Mark[], mark: Mark): readonly Mark[] {
  const recent = marks.filter(({ atMs }) => mark.atMs - atMs <= WINDOW_MS);
  return [...(recent.length > 0 ? recent : marks.slice(-1)), mark];
}

export interface Pace {
  /** Checks a second; null: not known yet. */
  readonly perSecond: number | null;
  /** null: not known, or nothing moves. */
  readonly secondsLeft: number | null;
}

export function paceOf(marks: readonly Mark[], planned: number): Pace {
  const [first, last] = [marks[0], marks.at(-1)];
  if (first === undefined || last === undefined || last.atMs <= first.atMs) {
    return { perSecond: null, secondsLeft: null };
  }
  const perSecond = ((last.done - first.done) * 1000) / (last.atMs - first.atMs);
  const left = Math.max(0, planned - last.done);
  return { perSecond, secondsLeft: perSecond > 0 ? left / perSecond : null };
}
