export interface Rate {
  readonly perSecond: number;
  /** Tokens that an idle bucket gives out at once; 1: evenly spaced. */
  readonly burst: number;
}

export function lowerRate(one: Rate, other: Rate): Rate {
  return {
    perSecond: Math.min(one.perSecond, other.perSecond),
    burst: Math.min(one.burst, other.burst),
  };
}
