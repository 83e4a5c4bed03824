/** `*`: any run of characters, `/` and `:` included, the empty run too. */
export const ANY = Symbol("*");
/** `?`: exactly one character (Unicode code point). */
export const ONE = Symbol("?");

/** One literal code point, or a wildcard. */
export type PatternItem = string | typeof ANY | typeof ONE;
export type Pattern = readonly PatternItem[];

/** Literal text as pattern items. MQTT's `+` and `#` are such text too (DG/pub-sub-policy.html). */
export function literal(text: string): Pattern {
  return Array.from(text);
}

/** Text in which `*` and `?` are wildcards and everything else is itself. */
export function wildcards(text: string): Pattern {
  return Array.from(text, (character) => (character === "*" ? ANY : character === "?" ? ONE : character));
}

/**
 * Does the whole text match? On a mismatch only the latest `*` takes one character more, since an earlier one
 * cannot help: at most pattern × text steps, whatever the pattern.
 */
export function matches(pattern: Pattern, text: string): boolean {
  const characters = Array.from(text);
  let at = 0;
  let item = 0;
  let star = -1;
  let starEnd = 0;
  while (at < characters.length) {
    const wanted = pattern[item];
    if (wanted === ANY) {
      star = item;
      starEnd = at;
      item += 1;
    } else if (wanted === ONE || (wanted !== undefined && wanted === characters[at])) {
      item += 1;
      at += 1;
    } else if (star >= 0) {
      starEnd += 1;
      at = starEnd;
      item = star + 1;
    } else {
      return false;
    }
  }
  return pattern.slice(item).every((rest) => rest === ANY);
}

/** The pattern with its literal characters in lower case; for comparisons that ignore case. */
export function foldCase(pattern: Pattern): Pattern {
  return pattern.flatMap((item) => (typeof item === "string" ? literal(item.toLowerCase()) : [item]));
}

/**
 * Splits at the first five colons into the six components of an ARN; null where there are fewer.
 * A wildcard belongs to one component.
 */
export function splitArn(pattern: Pattern): readonly Pattern[] | null {
  const components: PatternItem[][] = [[]];
  for (const item of pattern) {
    if (item === ":" && components.length < 6) components.push([]);
    else components.at(-1)?.push(item);
  }
  return components.length === 6 ? components : null;
}
