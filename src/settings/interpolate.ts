import { isUtf8 } from "node:buffer";
import { hasReferences, type ReferenceScope, resolveReferences } from "../lib/references.ts";
import { type FieldPath, formatFieldPath } from "./field-path.ts";
import { type Finding, finding } from "./finding.ts";

export interface Interpolated {
  readonly root: unknown;
  /** Formatted paths of the fields that held a reference. */
  readonly referring: ReadonlySet<string>;
  /** One for each field whose reference has no value; the field keeps its text. */
  readonly findings: readonly Finding[];
}

/** Replaces `${env:NAME}` and `${file:path}` in every text of the tree (keys are left alone). */
export async function interpolate(root: unknown, scope: ReferenceScope): Promise<Interpolated> {
  const referring = new Set<string>();
  const findings: Finding[] = [];

  async function visit(value: unknown, path: FieldPath): Promise<unknown> {
    if (typeof value === "string") return visitText(value, path);
    if (Array.isArray(value)) return Promise.all(value.map((each, index) => visit(each, [...path, index])));
    if (typeof value !== "object" || value === null) return value;
    const entries = Object.entries(value).map(async ([key, each]) => [
      key,
      await visit(each, [...path, key]),
    ]);
    return Object.fromEntries(await Promise.all(entries));
  }

  async function visitText(text: string, path: FieldPath): Promise<string> {
    // An escape alone (`$${`) is no reference, and still to be undone.
    if (!text.includes("${")) return text;
    if (hasReferences(text)) referring.add(formatFieldPath(path));
    const answer = await resolveReferences(text, scope);
    if (answer.kind === "resolved" && isUtf8(answer.bytes)) return answer.bytes.toString("utf8");
    findings.push(
      finding(path, answer.kind === "resolved" ? "expected a reference to UTF-8 text" : answer.reason),
    );
    return text;
  }

  return { root: await visit(root, []), referring, findings };
}
