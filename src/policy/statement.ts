import type { Json } from "../model/invocation.ts";
import { testCondition } from "./condition.ts";
import { isObject } from "./json.ts";
import { arnVariableTooEarly, type Scope, testTemplate } from "./template.ts";
import { every, not, some, type Truth, undecided } from "./truth.ts";
import { foldCase, matches, wildcards } from "./wildcard.ts";

/** What a statement says about one request. `either`: it cannot be read, so it might allow or deny. */
export interface StatementAnswer {
  readonly effect: "allow" | "deny" | "either";
  readonly applies: Truth;
}

/** The elements of a statement in an IoT policy (IAM reference_policies_grammar); Principal is not one. */
const ELEMENTS = new Set(["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"]);

type Statement = { readonly [element: string]: Json };
type TextTest = (text: string) => Truth;

/** Does one statement apply to this action and resource? */
export function readStatement(json: Json, action: string, resource: string, scope: Scope): StatementAnswer {
  if (!isObject(json)) return { effect: "either", applies: undecided("a statement is not an object") };
  const applies = every([
    testElement(json, "Action", (pattern) => matchesAction(pattern, action)),
    testElement(json, "Resource", (pattern) => matchesResource(pattern, resource, scope)),
    testCondition(json.Condition, scope),
    onlyKnownElements(json),
  ]);
  switch (json.Effect) {
    case "Allow":
      return { effect: "allow", applies };
    case "Deny":
      return { effect: "deny", applies };
    default:
      return { effect: "either", applies: every([applies, undecided("Effect is neither Allow nor Deny")]) };
  }
}

/** `Action` or `NotAction`, `Resource` or `NotResource`: exactly one of the two, a text or a list of texts. */
function testElement(statement: Statement, name: "Action" | "Resource", test: TextTest): Truth {
  const listed = statement[name];
  const excepted = statement[`Not${name}`];
  if ((listed === undefined) === (excepted === undefined)) {
    return undecided(`a statement needs either ${name} or Not${name}`);
  }
  if (listed !== undefined) return matchesAny(name, listed, test);
  if (Array.isArray(excepted) && excepted.length === 0) return undecided(`Not${name} is empty`);
  return not(matchesAny(`Not${name}`, excepted ?? null, test));
}

function matchesAny(name: string, json: Json, test: TextTest): Truth {
  const items: readonly Json[] = Array.isArray(json) ? json : [json as Json];
  return some(
    items.map((item) => (typeof item === "string" ? test(item) : undecided(`${name} holds more than text`))),
  );
}

/** Prefix and name are case-insensitive and may hold wildcards (IAM reference_policies_elements_action). */
function matchesAction(pattern: string, action: string): boolean {
  return matches(foldCase(wildcards(pattern)), action.toLowerCase());
}

/**
 * The whole ARN, case-sensitively: client ids and topics are, and partition, service and Region are always
 * written in lower case, so a policy that does not is wrong and does not match.
 */
function matchesResource(text: string, resource: string, scope: Scope): Truth {
  if (scope.variables && arnVariableTooEarly(text)) {
    return undecided("a policy variable stands before the fifth colon of a resource");
  }
  return testTemplate(text, scope, (pattern) => pattern !== null && matches(pattern, resource));
}

function onlyKnownElements(statement: Statement): Truth {
  const unknown = Object.keys(statement).find((element) => !ELEMENTS.has(element));
  return unknown === undefined ? true : undecided(`statement element ${unknown} is not supported`);
}
