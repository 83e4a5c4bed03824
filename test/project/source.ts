/** Reads the import statements of TypeScript source. TypeScript 7 has no compiler API, so this is a small lexer. */

export interface ImportStatement {
  /** null: computed when it runs, so nobody can tell. */
  readonly specifier: string | null;
  readonly line: number;
  readonly form: "import" | "re-export" | "dynamic";
  /** The imported names as exported (`default`, `*` included); empty for a bare or dynamic import. */
  readonly names: readonly string[];
}

/** `import … from "x"`, `export … from "x"`, `import "x"`; the clause holds no quote, so it cannot run too far. */
const STATIC = /(?<![.\w$#])(import|export)\b(?:([\w\s{},*$]*?)\bfrom\b\s*|\s*(?=["']))(["'])(_*)\3/g;
/** `import("x")`, also as a type: `typeof import("x")`. */
const DYNAMIC = /(?<![.\w$#])import\s*\(\s*(?:(["'])(_*)\1\s*[,)])?/g;

export function importsOf(source: string): ImportStatement[] {
  const masked = mask(source);
  const found: ImportStatement[] = [];
  for (const match of masked.matchAll(STATIC)) {
    const [whole, keyword = "", clause = "", , blank = ""] = match;
    const isReExport = keyword === "export";
    if (isReExport && clause === "") continue;
    const end = match.index + whole.length - 1;
    found.push({
      specifier: source.slice(end - blank.length, end),
      line: lineAt(source, match.index),
      form: isReExport ? "re-export" : "import",
      names: namesIn(clause),
    });
  }
  for (const match of masked.matchAll(DYNAMIC)) {
    const blank = match[2];
    const from = match.index + match[0].search(/["']/) + 1;
    const specifier = blank === undefined ? null : source.slice(from, from + blank.length);
    found.push({ specifier, line: lineAt(source, match.index), form: "dynamic", names: [] });
  }
  return found;
}

/** The line (from 1) of an offset. */
export function lineAt(source: string, offset: number): number {
  return source.slice(0, offset).split("\n").length;
}

/**
 * The source with comments, regular expressions and the text of templates blanked, and each character inside a
 * quoted string as `_`. Same length and line breaks, so that offsets stay true.
 */
export function mask(source: string): string {
  let masked = "";
  /** One entry for each template literal we are inside of: how many braces are open in its `${…}`. */
  const templates: number[] = [];
  while (masked.length < source.length) {
    const rest = source.slice(masked.length);
    const token = TOKEN.exec(rest)?.[0] ?? rest.charAt(0);
    masked += maskToken(token, rest, masked, templates);
  }
  return masked;
}

/** A comment, a quoted string, or a run of characters that starts no other token. */
const TOKEN = /^(?:\/\/[^\n]*|\/\*[\s\S]*?\*\/|"(?:\\[\s\S]|[^"\\\n])*"|'(?:\\[\s\S]|[^'\\\n])*'|[^/"'`{}]+)/;
const REGEXP = /^\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\[\n])+\/[a-z]*/;
/** The text of a template up to its end or the next `${`. */
const TEMPLATE_TEXT = /^(?:\\[\s\S]|\$(?!\{)|[^`\\$])*/;
/** After these a slash divides; after anything else it starts a regular expression. */
const VALUE_BEFORE = /(?:[\w$)\]}"'`]|\+\+|--)\s*$/;
const KEYWORD_BEFORE =
  /(?<![.\w$])(?:return|typeof|case|in|of|do|else|void|await|yield|delete|throw|new)\s*$/;

function maskToken(token: string, rest: string, before: string, templates: number[]): string {
  if (token.startsWith("//") || token.startsWith("/*")) return blank(token);
  if (/^["'].*["']$/s.test(token) && token.length > 1) {
    return token.charAt(0) + token.slice(1, -1).replace(/[^\n]/g, "_") + token.charAt(0);
  }
  if (token === "/") return maskSlash(rest, before);
  if (token === "`") return openTemplate(rest, templates);
  if (token === "{" || token === "}") return maskBrace(token, rest, templates);
  return token;
}

function maskSlash(rest: string, before: string): string {
  // A closing bracket of a condition (`if (x) /re/`) is the one case this misjudges; the formatter's braces avoid it.
  const nearby = before.slice(-200);
  if (VALUE_BEFORE.test(nearby) && !KEYWORD_BEFORE.test(nearby)) return "/";
  return blank(REGEXP.exec(rest)?.[0] ?? "/");
}

function openTemplate(rest: string, templates: number[]): string {
  return `\`${templateText(rest.slice(1), templates)}`;
}

function maskBrace(brace: string, rest: string, templates: number[]): string {
  const depth = templates.at(-1);
  if (depth === undefined) return brace;
  if (brace === "}" && depth === 0) {
    templates.pop();
    return `}${templateText(rest.slice(1), templates)}`;
  }
  templates[templates.length - 1] = depth + (brace === "{" ? 1 : -1);
  return brace;
}

/** Blanks the text of a template, with its closing backtick or the `${` that opens an expression. */
function templateText(rest: string, templates: number[]): string {
  const text = TEMPLATE_TEXT.exec(rest)?.[0] ?? "";
  const after = rest.slice(text.length);
  if (after.startsWith("${")) {
    templates.push(0);
    return `${blank(text)}\${`;
  }
  return blank(text) + after.slice(0, 1);
}

function blank(text: string): string {
  return text.replace(/[^\n]/g, " ");
}

function namesIn(clause: string): string[] {
  const [outside = "", inside = ""] = clause.replace(/^\s*type\s+(?=[\w*{$])/, "").split(/[{}]/);
  return [
    ...parts(outside).map((part) => (part.startsWith("*") ? "*" : "default")),
    ...parts(inside).map((part) => part.replace(/^type\s+(?!as\b)/, "").replace(/\s+as\s.*/s, "")),
  ];
}

function parts(list: string): string[] {
  return list
    .split(",")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
