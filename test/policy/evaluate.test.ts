import { describe, expect, it } from "vitest";
import { Secret } from "../../src/model/secret.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import { ACCOUNT, allow, type Case, CLIENT, deny, doc, type Expected } from "./case.ts";
import {
  ADDRESSES,
  ARNS_AND_BOOLEANS,
  EXISTENCE_AND_SETS,
  NUMBERS_AND_DATES,
  STRINGS,
} from "./cases-conditions.ts";
import { CONNECT_PAGE } from "./cases-connect.ts";
import { RESOURCE_MATCHES, VARIABLE_CASES } from "./cases-resources.ts";
import { ACTIONS, DECISIONS, STRUCTURE } from "./cases-structure.ts";

const TABLES: Readonly<Record<string, readonly Case[]>> = {
  decisions: DECISIONS,
  structure: STRUCTURE,
  actions: ACTIONS,
  resources: RESOURCE_MATCHES,
  variables: VARIABLE_CASES,
  strings: STRINGS,
  "numbers and dates": NUMBERS_AND_DATES,
  addresses: ADDRESSES,
  "ARNs and booleans": ARNS_AND_BOOLEANS,
  "existence and sets": EXISTENCE_AND_SETS,
  "the page of connect policies": CONNECT_PAGE,
};

const WORDS: Readonly<Record<Expected, { readonly decision: string; readonly by: string | null }>> = {
  allow: { decision: "allow", by: "allow" },
  deny: { decision: "deny", by: "implicit-deny" },
  "explicit-deny": { decision: "deny", by: "explicit-deny" },
  unknown: { decision: "unknown", by: null },
};

describe.each(Object.entries(TABLES))("policy table: %s", (_table, cases) => {
  it.each(cases.map((each) => [`${each.name} (${each.page})`, each] as const))("%s", (_name, each) => {
    const prediction = evaluate(each.documents, each);
    expect(prediction).toMatchObject(WORDS[each.expected]);
    if (each.at !== null) expect([prediction.document, prediction.statement]).toEqual(each.at);
    expect(prediction.undecided !== null).toBe(each.expected === "unknown");
    const named = each.expected === "allow" || each.expected === "explicit-deny";
    expect(prediction.document !== null && prediction.statement !== null).toBe(named);
  });
});

describe("the policy tables", () => {
  const all = Object.values(TABLES).flat();

  it("hold at least 150 cases, most of them from AWS pages", () => {
    expect(all.length).toBeGreaterThanOrEqual(150);
    expect(all.filter(({ page }) => page !== "-").length).toBeGreaterThanOrEqual(150);
  });

  it("name each case once", () => {
    const names = Object.entries(TABLES).flatMap(([table, cases]) =>
      cases.map(({ name, expected }) => `${table}: ${name}: ${expected}`),
    );
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });
});

describe("evaluate", () => {
  const ask = { action: "iot:Connect", resource: CLIENT, context: {} };

  it("says where the undecidable element is and what it is", () => {
    const prediction = evaluate([doc(allow()), doc(allow(), deny({ Condition: { Odd: {} } }))], ask);
    expect(prediction.undecided).toBe("document 1 statement 1: condition operator Odd is not supported");
  });

  it("never lets a secret or a control character of a policy out with the reason", () => {
    const odd = { [`Odd\u001b[31m${"s3cret-password".repeat(1)}`]: {} };
    const documents = [doc(deny({ Condition: odd }))];
    const { undecided } = evaluate(documents, { ...ask, secrets: [new Secret("s3cret-password")] });
    expect(undecided).toContain("<secret>");
    expect(undecided).not.toContain("s3cret");
    expect(undecided).not.toContain("\u001b");
  });

  it("does not take thing and certificate variables for absent where a client certificate is presented", () => {
    const byThing = [doc(allow({ Resource: `${ACCOUNT}:client/\${iot:Connection.Thing.ThingName}` }))];
    const byField = [doc(allow({ Condition: { Null: { "iot:Certificate.Subject.CommonName": "true" } } }))];
    for (const documents of [byThing, byField]) {
      expect(evaluate(documents, { ...ask, clientCertificate: true }).decision).toBe("unknown");
    }
  });

  it("does not mistake inherited properties of an object for elements", () => {
    const documents = [JSON.parse('{"Version":"2012-10-17","Statement":[],"__proto__":{"Statement":[{}]}}')];
    expect(evaluate(documents, ask).decision).toBe("unknown");
    expect(evaluate([doc(allow())], { ...ask, context: JSON.parse('{"__proto__":"x"}') }).decision).toBe(
      "allow",
    );
  });
});
