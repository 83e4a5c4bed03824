import { cut, neutralize } from "../lib/scrub.ts";
import type { Problem } from "../model/problem.ts";
import { type FieldPath, formatFieldPath } from "./field-path.ts";

/** Something wrong with one field, before it is known on which line the field stands. */
export interface Finding {
  readonly path: FieldPath;
  /** `key`: the key itself is wrong, so its own line is meant; else the value's. */
  readonly about: "key" | "value";
  /** Where already known; null: looked up by path. */
  readonly line: number | null;
  /** What was expected. Never quotes the value: it may be a secret. */
  readonly message: string;
}

/** Lines (1-based) of every field of a file, by formatted path; the root is "". */
export type FieldLines = ReadonlyMap<string, { readonly key: number; readonly value: number }>;

export function finding(path: FieldPath, message: string, line: number | null = null): Finding {
  return { path, about: "value", line, message };
}

/** Findings as problems in file order, each once. */
export function toProblems(
  file: string,
  lines: FieldLines,
  findings: readonly Finding[],
): readonly Problem[] {
  const byText = new Map<string, Problem>();
  for (const each of findings) {
    const problem = toProblem(file, lines, each);
    byText.set(JSON.stringify(problem), problem);
  }
  return [...byText.values()].sort((a, b) => (a.line ?? 0) - (b.line ?? 0));
}

function toProblem(file: string, lines: FieldLines, each: Finding): Problem {
  const { path, about, message } = each;
  const shown = about === "key" && !isPresentable(path.at(-1)) ? path.slice(0, -1) : path;
  const field = cut(neutralize(formatFieldPath(shown)));
  const line = each.line ?? lineOf(lines, path, about);
  return { file, line, field: field === "" ? null : field, message };
}

/** A missing field has no line: the nearest field around it stands in. */
function lineOf(lines: FieldLines, path: FieldPath, about: Finding["about"]): number {
  const found = lines.get(formatFieldPath(path));
  if (found !== undefined) return found[about];
  return path.length === 0 ? 1 : lineOf(lines, path.slice(0, -1), "value");
}

/** A slip like `{ token:hunter2 }` makes a key of a value: only a key that looks like one is repeated. */
function isPresentable(key: string | number | undefined): boolean {
  return typeof key === "number" || /^[A-Za-z_][\w-]{0,39}$/.test(key ?? "");
}
