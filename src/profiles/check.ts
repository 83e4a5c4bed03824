import { assertNever } from "../lib/errors.ts";
import { hasReferences, parseReferences } from "../lib/references.ts";
import type { FieldPath } from "./finding.ts";
import type {
  ChoiceRule,
  EitherRule,
  FlagRule,
  IntegerRule,
  ListRule,
  MapRule,
  NullRule,
  ObjectRule,
  Rule,
  TextRule,
} from "./schema.ts";

/** Takes what is wrong, with the path at that moment (a live array: copy it). */
export type Report = (path: FieldPath, message: string) => void;

/** Reports everything in `value` that the rule does not allow; `path` leads to it and is left as it was. */
export function check(rule: Rule, value: unknown, path: (string | number)[], report: Report): void {
  switch (rule.kind) {
    case "list":
      checkList(rule, value, path, report);
      return;
    case "map":
      checkMap(rule, value, path, report);
      return;
    case "object":
      checkObject(rule, value, path, report);
      return;
    case "either":
      check(alternative(rule, value), value, path, report);
      return;
    default:
      if (!acceptsScalar(rule, value)) report(path, `expected ${describe(rule)}${hint(rule, value)}`);
  }
}

/** Which form of an either-rule the value means. */
export function alternative(rule: EitherRule, value: unknown): Rule {
  return typeof value === "object" && value !== null ? rule.structured : rule.simple;
}

/** What the rule wants, completing "expected …". */
export function describe(rule: Rule): string {
  switch (rule.kind) {
    case "text":
      return rule.expected;
    case "choice":
      return oneOf(rule.values.map((value) => JSON.stringify(value)));
    case "integer":
      return `a whole number from ${rule.min} to ${rule.max}`;
    case "flag":
      return oneOf(rule.values.map(String));
    case "null":
      return "null";
    case "list":
      return "a list";
    case "map":
    case "object":
      return "an object";
    case "either":
      return `${describe(rule.simple)}, or ${describe(rule.structured)}`;
    default:
      return assertNever(rule, "rule");
  }
}

function acceptsScalar(
  rule: TextRule | ChoiceRule | IntegerRule | FlagRule | NullRule,
  value: unknown,
): boolean {
  switch (rule.kind) {
    case "text":
      // A lone surrogate (JSON can write one) has no UTF-8: something else would be sent.
      return (
        typeof value === "string" &&
        value.isWellFormed() &&
        rule.accepts(rule.credential ? literalPart(value) : value)
      );
    case "choice":
      return (rule.values as readonly unknown[]).includes(value);
    case "integer":
      return Number.isInteger(value) && Number(value) >= rule.min && Number(value) <= rule.max;
    case "flag":
      return (rule.values as readonly unknown[]).includes(value);
    case "null":
      return value === null;
    default:
      return assertNever(rule, "rule");
  }
}

/** The text without its references: what they stand for is looked at when they are resolved. */
export function literalPart(template: string): string {
  if (!hasReferences(template)) return template;
  return parseReferences(template)
    .filter((part) => typeof part === "string")
    .join("");
}

function hint(rule: Rule, value: unknown): string {
  if (value === null) return ", found null: leave the key out";
  if (rule.kind !== "text" || typeof value === "string") return "";
  if (typeof value === "number") return ", found a number: put it in quotes";
  if (typeof value === "boolean") return ", found true or false: put it in quotes";
  return Array.isArray(value) ? ", found a list" : ", found an object";
}

function checkList(rule: ListRule, value: unknown, path: (string | number)[], report: Report): void {
  if (!Array.isArray(value)) {
    report(path, "expected a list");
    return;
  }
  if (value.length < rule.min || value.length > rule.max) {
    report(path, `expected ${rule.min} to ${rule.max} entries, found ${value.length}`);
    return;
  }
  for (const [index, item] of value.entries()) {
    path.push(index);
    check(rule.item, item, path, report);
    path.pop();
  }
}

function checkMap(rule: MapRule, value: unknown, path: (string | number)[], report: Report): void {
  if (!isObject(value)) {
    report(path, "expected an object");
    return;
  }
  for (const key of Object.keys(value)) {
    path.push(key);
    if (!rule.key(key)) report(path, `expected as key ${rule.expectedKey}`);
    else check(rule.value, value[key], path, report);
    path.pop();
  }
}

function checkObject(rule: ObjectRule, value: unknown, path: (string | number)[], report: Report): void {
  if (!isObject(value)) {
    report(path, "expected an object");
    return;
  }
  for (const key of Object.keys(value)) {
    const field = Object.hasOwn(rule.fields, key) ? rule.fields[key] : undefined;
    path.push(key);
    if (field === undefined) report(path, `unknown key${suggestion(rule, key)}`);
    else check(field, value[key], path, report);
    path.pop();
  }
  for (const key of rule.required) {
    if (Object.hasOwn(value, key)) continue;
    const field = rule.fields[key];
    path.push(key);
    report(path, `missing; expected ${field === undefined ? "a value" : describe(field)}`);
    path.pop();
  }
}

/** Another spelling of a known key (`client_id`, `ClientID`) is pointed at. */
export function suggestion({ fields }: ObjectRule, key: string): string {
  const folded = fold(key);
  const known = Object.keys(fields).find((each) => fold(each) === folded);
  return known === undefined ? "" : `; did you mean ${known}?`;
}

function fold(key: string): string {
  return key.toLowerCase().replace(/[^a-z]/g, "");
}

function oneOf(words: readonly string[]): string {
  const [only, ...others] = words;
  return others.length === 0 ? `${only}` : `${words.slice(0, -1).join(", ")} or ${words.at(-1)}`;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
