import { type KnownContext, policyVariable } from "./keys.ts";
import { agreed, type Truth, type Undecided, undecided } from "./truth.ts";
import { ANY, literal, ONE, type Pattern, type PatternItem, wildcards } from "./wildcard.ts";

/** What policy text is read with. */
export interface Scope {
  readonly context: KnownContext;
  /** Version 2012-10-17 only; before it a variable is literal text (IAM reference_policies_variables). */
  readonly variables: boolean;
}

export type Part =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "wildcard"; readonly item: typeof ANY | typeof ONE }
  | { readonly kind: "variable"; readonly key: string; readonly fallback: string | null };

/** `${*}`, `${?}`, `${$}`; the IoT page prints them with parentheses, the IAM page with braces. */
const ESCAPE = /\$\{([*?$])\}|\$\(([*?$])\)/y;
/** `${key}` and `${key, 'default'}`. */
const VARIABLE = /\$\{([^\s{}',*?$]+)(?:, '([^']*)')?\}/y;

/** Policy text as written, taken apart. Without variables only `*` and `?` are special. */
export function parseTemplate(text: string, variables: boolean): readonly Part[] | Undecided {
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const special = variables && text[at] === "$" ? readSpecial(text, at) : null;
    if (special !== null) {
      parts.push(special.part);
      at = special.end;
    } else if (variables && text.startsWith("${", at)) {
      return undecided("malformed policy variable");
    } else {
      const character = text[at] ?? "";
      parts.push(plainPart(character));
      at += 1;
    }
  }
  return parts;
}

/**
 * Tests policy text as a pattern, under every reading the documentation leaves open. `test` gets null where a
 * variable resolves to nothing: such text matches no resource and no value (IAM reference_policies_variables,
 * variables with no value).
 */
export function testTemplate(text: string, scope: Scope, test: (pattern: Pattern | null) => Truth): Truth {
  const parts = parseTemplate(text, scope.variables);
  if ("why" in parts) return parts;
  const values = resolveAll(parts, scope.context);
  if ("why" in values) return values;
  if (values.includes(null)) return test(null);
  const asText = test(build(parts, values, literal));
  if (!values.some((value) => /[*?]/.test(value ?? ""))) return asText;
  // The guide warns that a client id with MQTT wildcards widens a topic filter; what a policy wildcard inside a
  // value does is not said, so both readings have to agree.
  const asWildcards = test(build(parts, values, wildcards));
  return agreed([asText, asWildcards], "a policy variable's value holds * or ?");
}

function readSpecial(text: string, at: number): { readonly part: Part; readonly end: number } | null {
  ESCAPE.lastIndex = at;
  const escaped = ESCAPE.exec(text);
  if (escaped !== null) {
    return { part: { kind: "text", text: escaped[1] ?? escaped[2] ?? "" }, end: ESCAPE.lastIndex };
  }
  VARIABLE.lastIndex = at;
  const variable = VARIABLE.exec(text);
  if (variable === null) return null;
  const part: Part = { kind: "variable", key: variable[1] ?? "", fallback: variable[2] ?? null };
  return { part, end: VARIABLE.lastIndex };
}

function plainPart(character: string): Part {
  if (character === "*") return { kind: "wildcard", item: ANY };
  if (character === "?") return { kind: "wildcard", item: ONE };
  return { kind: "text", text: character };
}

/** One value for each variable in order; null: it resolves to nothing. */
function resolveAll(parts: readonly Part[], context: KnownContext): readonly (string | null)[] | Undecided {
  const values: (string | null)[] = [];
  for (const part of parts) {
    if (part.kind !== "variable") continue;
    const value = resolve(part.key, part.fallback, context);
    if (typeof value === "object" && value !== null) return value;
    values.push(value);
  }
  return values;
}

function resolve(key: string, fallback: string | null, context: KnownContext): string | null | Undecided {
  const state = policyVariable(key, context);
  if ("why" in state) return state;
  const [values = [], ...others] = state;
  if (others.length > 0) return undecided(`policy variable ${key} may or may not have a value`);
  if (values.length > 1) return undecided(`policy variable ${key} has several values`);
  return values[0] ?? fallback;
}

function build(
  parts: readonly Part[],
  values: readonly (string | null)[],
  read: (value: string) => Pattern,
): Pattern {
  const items: PatternItem[] = [];
  let variable = 0;
  let text = "";
  for (const part of parts) {
    if (part.kind === "text") {
      text += part.text;
      continue;
    }
    items.push(...literal(text));
    text = "";
    if (part.kind === "wildcard") {
      items.push(part.item);
    } else {
      items.push(...read(values[variable] ?? ""));
      variable += 1;
    }
  }
  items.push(...literal(text));
  return items;
}

/**
 * IAM takes variables only in the resource part of an ARN, after the fifth colon, and does not say what one
 * before it does (reference_policies_variables, where you can use policy variables).
 */
export function arnVariableTooEarly(text: string): boolean {
  const parts = parseTemplate(text, true);
  if ("why" in parts) return false;
  const first = parts.findIndex((part) => part.kind === "variable");
  const colons = parts.slice(0, first).filter((part) => part.kind === "text" && part.text === ":");
  return first >= 0 && colons.length < 5;
}
