import type { z } from "zod";
import { formatFieldPath } from "./field-path.ts";
import type { Finding } from "./finding.ts";
import { type ConfigSection, configSchema } from "./schema.ts";
import { plainWords } from "./words.ts";

export type Validated =
  | { readonly kind: "valid"; readonly config: ConfigSection }
  | { readonly kind: "invalid"; readonly findings: readonly Finding[] };

/**
 * Checks plain values against the schema.
 *
 * @param referring formatted paths of fields that held a reference. A reference gives text; where a number or a
 *   flag is expected and only there, such text is read as one. Text that was written as text never is.
 */
export function validate(root: unknown, referring: ReadonlySet<string>): Validated {
  const first = configSchema.safeParse(root, { error: plainWords });
  if (first.success) return { kind: "valid", config: first.data };

  const misread = first.error.issues.filter(
    (issue) => wantsOtherThanText(issue) && referring.has(formatFieldPath(pathOf(issue))),
  );
  if (misread.length === 0) return invalid(first.error);
  const second = configSchema.safeParse(misread.reduce(readScalarAt, root), { error: plainWords });
  return second.success ? { kind: "valid", config: second.data } : invalid(second.error);
}

function wantsOtherThanText(issue: z.core.$ZodIssue): boolean {
  if (issue.code === "invalid_type") return ["number", "int", "boolean"].includes(issue.expected);
  if (issue.code === "invalid_value") return issue.values.some((value) => typeof value !== "string");
  return issue.code === "invalid_union";
}

function readScalarAt(root: unknown, issue: z.core.$ZodIssue): unknown {
  return replaceAt(root, pathOf(issue), (value) => (typeof value === "string" ? readScalar(value) : value));
}

function readScalar(text: string): string | number | boolean {
  if (text === "true" || text === "false") return text === "true";
  return /^-?\d{1,15}(\.\d{1,15})?$/.test(text) ? Number(text) : text;
}

function replaceAt(
  value: unknown,
  path: readonly (string | number)[],
  change: (old: unknown) => unknown,
): unknown {
  const [head, ...rest] = path;
  if (head === undefined) return change(value);
  if (Array.isArray(value))
    return value.map((each, i) => (i === head ? replaceAt(each, rest, change) : each));
  const object = value as Readonly<Record<string, unknown>>;
  return { ...object, [head]: replaceAt(object[head], rest, change) };
}

function pathOf(issue: z.core.$ZodIssue): readonly (string | number)[] {
  // Keys from YAML are never symbols.
  return issue.path as (string | number)[];
}

function invalid(error: z.ZodError): Validated {
  return { kind: "invalid", findings: error.issues.flatMap(toFindings) };
}

function toFindings(issue: z.core.$ZodIssue): readonly Finding[] {
  const path = pathOf(issue);
  const { message } = issue;
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({ path: [...path, key], about: "key", line: null, message }));
  }
  if (issue.code === "invalid_key") {
    return issue.issues.map((each) => ({ path, about: "key", line: null, message: each.message }));
  }
  return [{ path, about: "value", line: null, message }];
}
