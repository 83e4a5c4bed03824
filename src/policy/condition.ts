import type { Json } from "../model/invocation.ts";
import { isObject, textList } from "./json.ts";
import { conditionKey } from "./keys.ts";
import { OPERATORS, type Operator } from "./operators.ts";
import { parseBoolean } from "./scalars.ts";
import type { Scope } from "./template.ts";
import { agreed, every, not, some, type Truth, undecided } from "./truth.ts";

/** How an operator treats the list of values a key has in the request. */
type Quantifier = "all" | "any" | null;

/** The test of one condition key's values against the policy's. */
type KeyTest = (policyValues: readonly string[], values: readonly string[], scope: Scope) => Truth;

const OPERATOR_NAME = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

/**
 * A Condition block: every key of every operator must hold (IAM
 * reference_policies_condition-logic-multiple-context-keys-or-values). No block holds always.
 */
export function testCondition(block: Json | undefined, scope: Scope): Truth {
  if (block === undefined) return true;
  if (!isObject(block)) return undecided("Condition is not an object");
  return every(Object.entries(block).map(([name, keys]) => testOperator(name, keys, scope)));
}

function testOperator(name: string, keys: Json, scope: Scope): Truth {
  const test = findTest(name);
  if (test === null) return undecided(`condition operator ${name} is not supported`);
  if (!isObject(keys)) return undecided(`condition operator ${name} does not hold an object`);
  return every(Object.entries(keys).map(([key, listed]) => testKey(key, listed, test, scope)));
}

function testKey(key: string, listed: Json, test: KeyTest, scope: Scope): Truth {
  const policyValues = textList(listed);
  if (policyValues === null) return undecided(`the values for condition key ${key} are not texts`);
  const state = conditionKey(key, scope.context);
  if ("why" in state) return state;
  return agreed(
    state.map((values) => test(policyValues, values, scope)),
    `condition key ${key} may or may not be there`,
  );
}

/** null: no such operator. IAM allows neither a set operator nor IfExists on `Null`. */
function findTest(name: string): KeyTest | null {
  if (name === "Null") return testNull;
  const [, set, base = "", suffix] = OPERATOR_NAME.exec(name) ?? [];
  const operator = OPERATORS.get(base);
  if (operator === undefined) return null;
  const quantifier = set === "ForAllValues" ? "all" : set === "ForAnyValue" ? "any" : null;
  return valuesTest(operator, quantifier, suffix !== undefined);
}

/** `true`: the key must be absent; `false`: it must have a value. */
function testNull(policyValues: readonly string[], values: readonly string[]): Truth {
  return some(
    policyValues.map((text) => {
      const wantsAbsent = parseBoolean(text);
      if (wantsAbsent === null) return undecided("Null compares with something neither true nor false");
      return wantsAbsent === (values.length === 0);
    }),
  );
}

function valuesTest(operator: Operator, quantifier: Quantifier, ifExists: boolean): KeyTest {
  return (policyValues, values, scope) => {
    const one = (value: string): Truth => {
      const equal = some(policyValues.map((policyValue) => operator.compare(policyValue, value, scope)));
      return operator.negated ? not(equal) : equal;
    };
    if (values.length === 0 && ifExists) return true;
    if (quantifier !== null) {
      // An empty text counts as no value here (IAM, multivalued context keys); every() of nothing is true and
      // some() of nothing is false, as IAM has it for a key that is missing.
      const truths = values.every((value) => value === "") ? [] : values.map(one);
      return quantifier === "all" ? every(truths) : some(truths);
    }
    if (values.length === 0) return operator.negated;
    const truths = values.map(one);
    // IAM demands a set operator for several values and does not say what happens without one.
    return agreed([every(truths), some(truths)], "a key with several values needs a set operator");
  };
}
