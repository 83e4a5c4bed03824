import type { z } from "zod";

type Issue = z.core.$ZodRawIssue;

/** Zod `error` option of a leaf: what was expected in plain words, and what kind of thing stands there instead. */
export function expected(phrase: string): (issue: Issue) => string {
  return (issue) => {
    if (issue.input === undefined) return `missing; expected ${phrase}`;
    if (issue.input === null) return `empty; expected ${phrase}`;
    return `expected ${phrase}${foundInstead(issue)}`;
  };
}

/** Words for issues that no leaf has words for: lists, sections and choices. */
export function plainWords(issue: Issue): string {
  if (issue.code === "invalid_value") return expected(`one of ${issue.values.join(", ")}`)(issue);
  if (issue.code === "invalid_type")
    return expected(KIND_WORDS[issue.expected] ?? "another kind of value")(issue);
  if (issue.code === "too_small")
    return `expected at least ${issue.minimum} ${plural(Number(issue.minimum))}`;
  return "expected another value";
}

const KIND_WORDS: Readonly<Record<string, string>> = {
  array: "a list",
  object: "a section (`key: value`)",
  record: "a section (`key: value`)",
  boolean: "true or false",
};

function plural(count: number): string {
  return count === 1 ? "entry" : "entries";
}

/** Only for a wrong kind of value; the value itself is never repeated. */
function foundInstead(issue: Issue): string {
  if (issue.code !== "invalid_type") return "";
  const { input } = issue;
  const quotes = issue.expected === "string" ? ": put it in quotes" : "";
  if (typeof input === "number") return issue.expected === "int" ? "" : `, found a number${quotes}`;
  if (typeof input === "boolean") return `, found ${input}${quotes}`;
  if (typeof input === "string") return ", found text";
  return Array.isArray(input) ? ", found a list" : ", found a section";
}
