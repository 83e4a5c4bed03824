import type { Json } from "../../src/model/invocation.ts";

/** `deny` is the implicit one; `explicit-deny` names a Deny statement. */
export type Expected = "allow" | "deny" | "explicit-deny" | "unknown";

/** One row of a table: what AWS's page says must come out. */
export interface Case {
  readonly name: string;
  /** The page it is written from; DG: AWS IoT Core developer guide, IAM: IAM user guide. `-`: our own rule. */
  readonly page: string;
  readonly documents: readonly Json[];
  readonly action: string;
  readonly resource: string;
  readonly context: Readonly<Record<string, string | readonly string[]>>;
  readonly expected: Expected;
  /** Zero-based document and statement that decided. */
  readonly at: readonly [number, number] | null;
}

export const ACCOUNT = "arn:aws:iot:us-east-1:123456789012";
export const CLIENT = `${ACCOUNT}:client/dev-1`;

type Ask = Partial<Pick<Case, "action" | "resource" | "context">>;
type Fields = { readonly [key: string]: Json };

/** The default question: may dev-1 connect? */
export function row(
  page: string,
  name: string,
  documents: Json | readonly Json[],
  expected: Expected,
  ask: Ask = {},
  at: readonly [number, number] | null = null,
): Case {
  return {
    page,
    name,
    expected,
    at,
    documents: Array.isArray(documents) ? documents : [documents as Json],
    action: ask.action ?? "iot:Connect",
    resource: ask.resource ?? CLIENT,
    context: ask.context ?? { "iot:ClientId": "dev-1" },
  };
}

export function doc(...statements: readonly Json[]): Json {
  return { Version: "2012-10-17", Statement: statements };
}

export function allow(fields: Fields = {}): Json {
  return statement("Allow", fields);
}

export function deny(fields: Fields = {}): Json {
  return statement("Deny", fields);
}

/** Action and Resource are `iot:Connect` and `*` unless given, or given in their Not form. */
function statement(effect: string, fields: Fields): Json {
  return {
    Effect: effect,
    ...("NotAction" in fields ? {} : { Action: "iot:Connect" }),
    ...("NotResource" in fields ? {} : { Resource: "*" }),
    ...fields,
  };
}

/** One Allow with this condition. */
export function when(condition: Json): Json {
  return doc(allow({ Condition: condition }));
}
