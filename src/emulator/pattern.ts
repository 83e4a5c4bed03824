/** Tests a text; an absent one counts as empty. */
export type Pattern = (text: string | undefined) => boolean;

/**
 * `/…/` is a regular expression (no flags), anything else an exact text.
 * Throws SyntaxError where the expression is malformed: the configuration's schema has checked it.
 */
export function compilePattern(source: string): Pattern {
  if (source.length < 2 || !source.startsWith("/") || !source.endsWith("/")) {
    return (text = "") => text === source;
  }
  const expression = new RegExp(source.slice(1, -1), "u");
  return (text = "") => expression.test(text);
}

export function isPattern(source: string): boolean {
  try {
    compilePattern(source);
    return true;
  } catch {
    return false;
  }
}
