// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written like this
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Json } from "../../src/model/invocation.ts";
import { evaluate } from "../../src/policy/evaluate.ts";
import { ACCOUNT, CLIENT } from "./case.ts";

const ACTIONS = ["iot:Connect", "iot:Con*", "IOT:connect", "*", "iot:Publish", "iot:*"];
const RESOURCES = [
  "*",
  CLIENT,
  `${ACCOUNT}:client/*`,
  `${ACCOUNT}:client/\${iot:ClientId}`,
  `${ACCOUNT}:client/\${aws:SourceIp}`,
  `${ACCOUNT}:client/\${iot:Connection.Thing.ThingName}`,
  `${ACCOUNT}:client/\${`,
  `${ACCOUNT}:topic/*`,
];
const CONDITIONS: readonly Json[] = [
  { StringEquals: { "iot:ClientId": "dev-1" } },
  { StringNotLike: { "iot:ClientId": ["x*", "dev-2"] } },
  { IpAddress: { "aws:SourceIp": "10.0.0.0/8" } },
  { NotIpAddress: { "aws:SourceIp": ["10.0.0.0/8", "2001:db8::1"] } },
  { StringEqualsIfExists: { "aws:SourceVpc": "vpc-1" } },
  { Null: { "aws:SourceVpc": "true" } },
  { "ForAllValues:StringEquals": { "aws:SourceVpc": ["vpc-1"] } },
  { "ForAnyValue:StringNotEquals": { "aws:SourceVpc": ["vpc-1", "vpc-2"] } },
  { StringNotEquals: { "iot:ClientId": "${aws:SourceVpc}" } },
  { Odd: { "iot:ClientId": "x" } },
  {},
];

const text = fc.oneof(fc.constantFrom(...ACTIONS), fc.subarray(ACTIONS));
const place = fc.oneof(fc.constantFrom(...RESOURCES), fc.subarray(RESOURCES));
const statement = (effect: fc.Arbitrary<Json>): fc.Arbitrary<Json> =>
  fc
    .tuple(
      effect,
      fc.oneof(fc.record({ Action: text }), fc.record({ NotAction: text })),
      fc.oneof(fc.record({ Resource: place }), fc.record({ NotResource: place })),
      fc.oneof(fc.constant({}), fc.record({ Condition: fc.constantFrom(...CONDITIONS) })),
    )
    .map(([Effect, ...parts]) => Object.assign({ Effect }, ...parts) as Json);
const statements = fc.array(statement(fc.constantFrom("Allow", "Deny", "Allow", "allow")), { maxLength: 6 });

/** Each statement in a document of its own, or all in one: the union is the same. */
const apart = (list: readonly Json[]) => list.map((each) => together([each]));
const together = (list: readonly Json[]): Json => ({ Version: "2012-10-17", Statement: list });

const ask = { action: "iot:Connect", resource: CLIENT, context: { "iot:ClientId": "dev-1" } };
const decide = (list: readonly Json[], context: Readonly<Record<string, string | readonly string[]>> = {}) =>
  evaluate(apart(list), { ...ask, context: { ...ask.context, ...context } });

const anywhere = <T>(list: readonly T[], item: T, at: number): readonly T[] =>
  list.toSpliced(at % (list.length + 1), 0, item);

describe("for any policies", () => {
  it("an explicit deny always wins, wherever it stands", () => {
    const sure: Json = { Effect: "Deny", Action: "iot:Connect", Resource: CLIENT };
    fc.assert(
      fc.property(statements, fc.nat(), (list, at) => {
        expect(decide(anywhere(list, sure, at))).toMatchObject({ decision: "deny", by: "explicit-deny" });
      }),
    );
  });

  it("adding an allow never turns an allow into a deny, nor anything into an explicit deny", () => {
    fc.assert(
      fc.property(statements, statement(fc.constant("Allow")), fc.nat(), (list, extra, at) => {
        const before = decide(list);
        const after = decide(anywhere(list, extra, at));
        if (before.decision === "allow") expect(after.decision).toBe("allow");
        expect(after.by === "explicit-deny").toBe(before.by === "explicit-deny");
      }),
      { numRuns: 500 },
    );
  });

  it("adding a deny never turns a deny into an allow", () => {
    fc.assert(
      fc.property(statements, statement(fc.constant("Deny")), fc.nat(), (list, extra, at) => {
        if (decide(list).decision !== "deny") return;
        expect(decide(anywhere(list, extra, at)).decision).not.toBe("allow");
      }),
      { numRuns: 500 },
    );
  });

  it("the order of statements and how they are spread over documents never matter to the decision", () => {
    const shuffled = statements.chain((list) =>
      fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length })),
    );
    fc.assert(
      fc.property(shuffled, ([list, other]) => {
        const { decision, by } = decide(list);
        expect(decide(other)).toMatchObject({ decision, by });
        expect(evaluate([together(other)], ask)).toMatchObject({ decision, by });
      }),
      { numRuns: 500 },
    );
  });

  it("what is decided without a key's value stays so whatever the value turns out to be", () => {
    const address = fc.constantFrom<readonly string[]>([], ["10.1.1.1"], ["192.0.2.1"], ["2001:db8::2"]);
    const vpc = fc.constantFrom<readonly string[]>([], ["vpc-1"], ["vpc-3"], ["dev-1"]);
    fc.assert(
      fc.property(statements, address, vpc, (list, ip, id) => {
        const before = decide(list);
        if (before.decision === "unknown") return;
        const after = decide(list, { "aws:SourceIp": ip, "aws:SourceVpc": id });
        expect(after).toMatchObject({ decision: before.decision, by: before.by });
      }),
      { numRuns: 1000 },
    );
  });

  it("the statement that is named has the effect that is named", () => {
    fc.assert(
      fc.property(statements, (list) => {
        const { by, document, statement: index } = decide(list);
        if (document === null) return;
        expect(index).toBe(0);
        expect(list[document]).toMatchObject({ Effect: by === "allow" ? "Allow" : "Deny" });
      }),
    );
  });

  it("the generated policies reach every decision", () => {
    const seen = fc.sample(statements, 500).map((list) => decide(list).by ?? "unknown");
    expect(new Set(seen)).toEqual(new Set(["allow", "explicit-deny", "implicit-deny", "unknown"]));
  });
});

describe("for any JSON", () => {
  it("there is an answer, and it is unknown exactly when a reason is given", () => {
    const element = fc.constantFrom(
      "Version",
      "Statement",
      "Effect",
      "Action",
      "NotAction",
      "Resource",
      "NotResource",
      "Condition",
      "StringLike",
    );
    const { tree } = fc.letrec<{ tree: Json }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 5 },
        fc.constantFrom<Json>("Allow", "2012-10-17", "*", null, 1, true),
        fc.string(),
        fc.array(tie("tree"), { maxLength: 3 }),
        fc.dictionary(fc.oneof(element, fc.string()), tie("tree"), { maxKeys: 5 }),
      ),
    }));
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 3 }), (documents) => {
        const { decision, undecided } = evaluate(documents, ask);
        expect(undecided !== null).toBe(decision === "unknown");
      }),
      { numRuns: 500 },
    );
  });
});
