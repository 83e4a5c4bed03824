import { inRange, parseCidr, parseIp } from "./ip.ts";
import { parseBoolean, parseDate, parseNumber } from "./scalars.ts";
import { arnVariableTooEarly, type Scope, testTemplate } from "./template.ts";
import { agreed, type Truth, undecided } from "./truth.ts";
import { foldCase, literal, matches, type Pattern, splitArn } from "./wildcard.ts";

/** A comparison of one policy value with one value of the request. */
type Compare = (policyValue: string, value: string, scope: Scope) => Truth;

export interface Operator {
  /** True where no policy value compares (NOR), and where the key is missing. */
  readonly negated: boolean;
  /** The positive comparison, also of a negated operator. */
  readonly compare: Compare;
}

/**
 * The condition operators of IAM (reference_policies_elements_condition_operators) less `Null`, which compares
 * nothing, and `BinaryEquals`, for which the gateway has no key.
 */
export const OPERATORS: ReadonlyMap<string, Operator> = new Map([
  ...pair("StringEquals", "StringNotEquals", compareExact),
  ...pair("StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", compareFolded),
  ...pair("StringLike", "StringNotLike", compareLike),
  // IAM: ArnEquals and ArnLike behave the same.
  ...pair("ArnEquals", "ArnNotEquals", compareArn),
  ...pair("ArnLike", "ArnNotLike", compareArn),
  ...pair("IpAddress", "NotIpAddress", compareIp),
  ["Bool", { negated: false, compare: compareBoolean }],
  ...ordered("Numeric", "number", parseNumber),
  ...ordered("Date", "date", parseDate),
]);

function pair(positive: string, negative: string, compare: Compare): [string, Operator][] {
  return [
    [positive, { negated: false, compare }],
    [negative, { negated: true, compare }],
  ];
}

function ordered(prefix: string, what: string, parse: (text: string) => number | null): [string, Operator][] {
  const by =
    (holds: (value: number, bound: number) => boolean): Compare =>
    (policyValue, value) => {
      const bound = parse(policyValue);
      if (bound === null) return undecided(`the policy compares with something that is not a ${what}`);
      const number = parse(value);
      return number === null ? undecided(`the key's value is not a ${what}`) : holds(number, bound);
    };
  const only = (holds: (value: number, bound: number) => boolean): Operator => ({
    negated: false,
    compare: by(holds),
  });
  return [
    ...pair(
      `${prefix}Equals`,
      `${prefix}NotEquals`,
      by((value, bound) => value === bound),
    ),
    [`${prefix}LessThan`, only((value, bound) => value < bound)],
    [`${prefix}LessThanEquals`, only((value, bound) => value <= bound)],
    [`${prefix}GreaterThan`, only((value, bound) => value > bound)],
    [`${prefix}GreaterThanEquals`, only((value, bound) => value >= bound)],
  ];
}

function compareExact(policyValue: string, value: string, scope: Scope): Truth {
  return testTemplate(policyValue, scope, (pattern) => pattern !== null && matches(plain(pattern), value));
}

function compareFolded(policyValue: string, value: string, scope: Scope): Truth {
  return testTemplate(
    policyValue,
    scope,
    (pattern) => pattern !== null && matches(foldCase(plain(pattern)), value.toLowerCase()),
  );
}

function compareLike(policyValue: string, value: string, scope: Scope): Truth {
  return testTemplate(policyValue, scope, (pattern) => pattern !== null && matches(pattern, value));
}

/** Equality takes `*` and `?` as themselves. */
function plain(pattern: Pattern): Pattern {
  return pattern.map((item) => (typeof item === "string" ? item : (item.description ?? "")));
}

/** Each of the six components on its own, so that no wildcard reaches over one of the first five colons. */
function compareArn(policyValue: string, value: string, scope: Scope): Truth {
  if (scope.variables && arnVariableTooEarly(policyValue)) {
    return undecided("a policy variable stands before the fifth colon of an ARN");
  }
  return testTemplate(policyValue, scope, (pattern) => {
    if (pattern === null) return false;
    const wanted = splitArn(pattern);
    if (wanted === null) return undecided("the policy compares with something that is not an ARN");
    const components = splitArn(literal(value));
    if (components === null) return undecided("the key's value is not an ARN");
    return wanted.every((component, index) => matches(component, (components[index] ?? []).join("")));
  });
}

function compareIp(policyValue: string, value: string): Truth {
  const network = parseCidr(policyValue);
  if (network === null) return undecided("the policy compares with something that is not an address range");
  const address = parseIp(value);
  if (address === null) return undecided("the key's value is not an IP address");
  if (network.prefix !== null) return inRange(address, network.address, network.prefix);
  // IAM says that an address alone gets the prefix /32, without a word on IPv6, where one address is a /128.
  const readings = [32, network.address.bits].map((prefix) => inRange(address, network.address, prefix));
  return agreed(readings, "an IPv6 address without a prefix length");
}

function compareBoolean(policyValue: string, value: string): Truth {
  const wanted = parseBoolean(policyValue);
  if (wanted === null) return undecided("the policy compares with something that is neither true nor false");
  const actual = parseBoolean(value);
  return actual === null ? undecided("the key's value is neither true nor false") : actual === wanted;
}
