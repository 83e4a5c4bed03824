/**
 * Which of the types a client would rather have (RFC 9110, 12.5.1); on a draw the one that comes first. A client that
 * takes neither gets the first: an answer in another type is of more use to it than none.
 */
export function preferred<T extends string>(accept: string | undefined, types: readonly [T, ...T[]]): T {
  const ranges = (accept ?? "*/*").split(",").map(parseRange);
  const [first, ...others] = types.map((type) => ({ type, quality: qualityOf(type, ranges) }));
  const best = others.reduce((a, b) => (b.quality > (a?.quality ?? 0) ? b : a), first);
  return best?.type ?? types[0];
}

interface Range {
  readonly type: string;
  readonly quality: number;
}

function parseRange(text: string): Range {
  const [type = "", ...parameters] = text.split(";").map((part) => part.trim().toLowerCase());
  const quality = Number(parameters.find((each) => each.startsWith("q="))?.slice(2) ?? 1);
  return { type, quality: quality >= 0 && quality <= 1 ? quality : 0 };
}

/** The most specific range that fits counts. */
function qualityOf(type: string, ranges: readonly Range[]): number {
  const [main = ""] = type.split("/");
  for (const wanted of [type, `${main}/*`, "*/*"]) {
    const found = ranges.find((range) => range.type === wanted);
    if (found !== undefined) return found.quality;
  }
  return 0;
}
