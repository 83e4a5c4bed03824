import type { ErrorCode } from "yaml";

const MESSAGES: Partial<Record<ErrorCode, string>> = {
  BAD_ALIAS: "not YAML: an alias (`*name`) is malformed",
  BAD_COLLECTION_TYPE: "not YAML: the tag does not fit the value",
  BAD_DIRECTIVE: "not YAML: unknown `%` directive",
  BAD_DQ_ESCAPE: "not YAML: unknown escape in a \"…\" text (a backslash is written \\\\, or use '…')",
  BAD_INDENT: "not YAML: wrong indentation, or a bracket that is not closed",
  BAD_SCALAR_START: "not YAML: a text that starts with @ or ` needs quotes",
  BLOCK_AS_IMPLICIT_KEY: "not YAML: a second `key:` on the line (a text that holds `: ` needs quotes)",
  BLOCK_IN_FLOW: "not YAML: an indented block inside brackets",
  MISSING_CHAR: "not YAML: a quote, bracket, comma or colon is missing",
  MULTILINE_IMPLICIT_KEY: "not YAML: expected `key: value`",
  RESOURCE_EXHAUSTION: "lists and sections are nested too deeply",
  TAB_AS_INDENT: "not YAML: a tab is used for indentation; use spaces",
  TAG_RESOLVE_FAILED: "unknown tag (`!…`)",
};

/** Our own words for a syntax error; the library's quote the text, which may be a secret. */
export function describeSyntaxError(code: ErrorCode): string {
  return MESSAGES[code] ?? "not YAML: unexpected text";
}
