import { isUtf8 } from "node:buffer";
import { type ReferenceScope, resolveReferences } from "../lib/references.ts";
import { alternative } from "./check.ts";
import type { FieldPath, Finding } from "./finding.ts";
import { PROFILE } from "./profile-schema.ts";
import type { Rule } from "./schema.ts";

/** A text that may hold references, and where it stands. */
interface ReferringText {
  readonly holder: Record<string | number, unknown>;
  readonly key: string | number;
  readonly path: FieldPath;
  readonly text: string;
}

/**
 * Resolves the references of a profile's fields, all but the credentials': those wait until the check runs.
 * Answers the value itself where there are none, which is the usual case and costs no waiting; else a copy.
 */
export function resolveFields(
  value: unknown,
  scope: ReferenceScope,
): null | Promise<{ readonly value: unknown; readonly findings: readonly Finding[] }> {
  if (referringTexts(PROFILE, value, []).length === 0) return null;
  return resolveCopy(structuredClone(value), scope);
}

async function resolveCopy(value: unknown, scope: ReferenceScope) {
  const findings: Finding[] = [];
  for (const { holder, key, path, text } of referringTexts(PROFILE, value, [])) {
    const answer = await resolveReferences(text, scope);
    if (answer.kind === "unavailable") findings.push({ path, message: answer.reason });
    else if (!isUtf8(answer.bytes)) findings.push({ path, message: "expected a reference to UTF-8 text" });
    else holder[key] = answer.bytes.toString("utf8");
  }
  return { value, findings };
}

function referringTexts(rule: Rule, value: unknown, path: FieldPath): readonly ReferringText[] {
  if (typeof value !== "object" || value === null) return [];
  const holder = value as Record<string | number, unknown>;
  const effective = rule.kind === "either" ? alternative(rule, value) : rule;
  const found: ReferringText[] = [];
  for (const key of Object.keys(value)) {
    const inner = innerRule(effective, key);
    const each = holder[key];
    if (inner === undefined) continue;
    if (typeof each === "object") found.push(...referringTexts(inner, each, [...path, key]));
    else if (isReferring(inner, each)) found.push({ holder, key, path: [...path, key], text: each });
  }
  return found;
}

/** Escapes (`$${`) count: they are undone in the same step. */
function isReferring(rule: Rule, value: unknown): value is string {
  return typeof value === "string" && value.includes("${") && !(rule.kind === "text" && rule.credential);
}

function innerRule(rule: Rule, key: string): Rule | undefined {
  if (rule.kind === "list") return rule.item;
  if (rule.kind === "map") return rule.value;
  return rule.kind === "object" && Object.hasOwn(rule.fields, key) ? rule.fields[key] : undefined;
}
