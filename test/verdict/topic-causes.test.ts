import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { CauseCode } from "../../src/model/causes.ts";
import type { Facts } from "../../src/model/facts.ts";
import type { Json } from "../../src/model/invocation.ts";
import type { Prediction } from "../../src/model/prediction.ts";
import type { Access } from "../../src/model/profile.ts";
import { TOPIC_ACTIONS, type TopicAction, type TopicProof } from "../../src/model/proof.ts";
import type { VerdictKind } from "../../src/model/result.ts";
import { verdictOf } from "../../src/verdict/explain.ts";
import {
  ACCEPTED,
  answered,
  checkOf,
  GUARDED,
  NOTHING_MORE,
  predicted,
  profileOf,
  targetOf,
} from "../support/fixtures.ts";

function proofOf(
  expected: Access,
  gateway: TopicProof["gateway"],
  decision: Prediction["decision"],
  action: TopicAction = "publish",
): TopicProof {
  return {
    test: { action, topic: `smoke/${action}`, expected },
    predicted: predicted(decision),
    gateway,
    evidence: "as seen",
  };
}

function factsOf(topics: readonly TopicProof[], changes: Partial<Facts> = {}): Facts {
  const listed = (action: TopicAction) => {
    const of = (access: Access) =>
      topics
        .filter(({ test }) => test.action === action && test.expected === access)
        .map(({ test }) => test.topic);
    return { allow: of("allow"), deny: of("deny") };
  };
  const expectation = {
    ...profileOf().expect,
    publish: listed("publish"),
    subscribe: listed("subscribe"),
    receive: listed("receive"),
  };
  return {
    ...NOTHING_MORE,
    check: checkOf({}, { expect: expectation }),
    target: targetOf(),
    context: null,
    invocation: answered("allowed"),
    prediction: predicted("allow"),
    lesser: { willAndSession: null, conditions: null },
    outcome: ACCEPTED,
    topics,
    closeConfirmed: false,
    nowMs: 0,
    ...changes,
  };
}

const judged = (topics: readonly TopicProof[], changes: Partial<Facts> = {}) => {
  const { kind, causes } = verdictOf(factsOf(topics, changes));
  return [kind, causes.map(({ code }) => code)] as const;
};

type Row = readonly [Access, TopicProof["gateway"], Prediction["decision"], VerdictKind, CauseCode | null];

/** Every combination, spelt out. */
const TABLE: readonly Row[] = [
  ["allow", "allowed", "allow", "pass", null],
  ["allow", "allowed", "deny", "pass", null],
  ["allow", "allowed", "unknown", "pass", null],
  ["allow", "denied", "allow", "fail", "POLICY_PUBLISH_DENIED"],
  ["allow", "denied", "deny", "fail", "POLICY_PUBLISH_DENIED"],
  ["allow", "denied", "unknown", "fail", "POLICY_PUBLISH_DENIED"],
  ["allow", "unanswered", "allow", "inconclusive", "TOPIC_UNPROVEN"],
  ["allow", "unanswered", "deny", "inconclusive", "POLICY_PUBLISH_DENIED"],
  ["allow", "unanswered", "unknown", "inconclusive", "TOPIC_UNPROVEN"],
  ["allow", "not-tried", "allow", "pass", null],
  ["allow", "not-tried", "deny", "fail", "POLICY_PUBLISH_DENIED"],
  ["allow", "not-tried", "unknown", "inconclusive", "POLICY_UNDECIDABLE"],
  ["deny", "allowed", "allow", "fail", "POLICY_TOO_OPEN"],
  ["deny", "allowed", "deny", "fail", "POLICY_TOO_OPEN"],
  ["deny", "allowed", "unknown", "fail", "POLICY_TOO_OPEN"],
  ["deny", "denied", "allow", "inconclusive", "TOPIC_UNPROVEN"],
  ["deny", "denied", "deny", "pass", null],
  ["deny", "denied", "unknown", "pass", null],
  ["deny", "unanswered", "allow", "inconclusive", "TOPIC_UNPROVEN"],
  ["deny", "unanswered", "deny", "inconclusive", "TOPIC_UNPROVEN"],
  ["deny", "unanswered", "unknown", "inconclusive", "TOPIC_UNPROVEN"],
  ["deny", "not-tried", "allow", "fail", "POLICY_TOO_OPEN"],
  ["deny", "not-tried", "deny", "pass", null],
  ["deny", "not-tried", "unknown", "inconclusive", "POLICY_UNDECIDABLE"],
];

describe("a topic", () => {
  it.each(TABLE)(
    "expected %s, gateway %s, predicted %s: %s, %s",
    (expected, gateway, decision, kind, code) => {
      expect(judged([proofOf(expected, gateway, decision)])).toEqual([kind, code === null ? [] : [code]]);
    },
  );

  it.each(TOPIC_ACTIONS)("that should be allowed and is not is named after what was tried: %s", (action) => {
    const [, codes] = judged([proofOf("allow", "denied", "deny", action)]);
    expect(codes).toEqual([`POLICY_${action.toUpperCase()}_DENIED`]);
  });

  it("of a guarded device is judged by the policy alone, and a device without a finding stays skipped", () => {
    const guarded = { outcome: GUARDED };
    expect(judged([proofOf("allow", "not-tried", "allow")], guarded)[0]).toBe("skipped");
    expect(judged([proofOf("allow", "not-tried", "deny")], guarded)).toEqual([
      "fail",
      ["POLICY_PUBLISH_DENIED"],
    ]);
    expect(judged([proofOf("deny", "not-tried", "allow")], guarded)).toEqual(["fail", ["POLICY_TOO_OPEN"]]);
  });

  it("that failed comes before one that is open", () => {
    const topics = [
      proofOf("allow", "unanswered", "allow"),
      proofOf("deny", "allowed", "allow", "subscribe"),
    ];
    expect(judged(topics)).toEqual(["fail", ["POLICY_TOO_OPEN", "TOPIC_UNPROVEN"]]);
  });

  it("says nothing where the device itself was not let in as expected", () => {
    const [kind, codes] = judged([proofOf("allow", "not-tried", "deny")], { invocation: answered("denied") });
    expect([kind, codes[0]]).toEqual(["fail", "AUTHORIZER_GATEWAY_DISAGREE"]);
    expect(codes).not.toContain("POLICY_PUBLISH_DENIED");
  });

  it("makes a pass only where every single one is as expected", () => {
    const proof = fc
      .tuple(fc.constantFrom(...TABLE), fc.constantFrom(...TOPIC_ACTIONS))
      .map(([row, action]) => ({ row, proof: proofOf(row[0], row[1], row[2], action) }));
    fc.assert(
      fc.property(fc.array(proof, { minLength: 1, maxLength: 6 }), (each) => {
        const kinds = each.map(({ row }) => row[3]);
        const worst = (["fail", "inconclusive"] as const).find((kind) => kinds.includes(kind)) ?? "pass";
        expect(judged(each.map(({ proof: one }) => one))[0]).toBe(worst);
      }),
    );
  });
});

describe("the evidence", () => {
  const causeOf = (topics: readonly TopicProof[], policyDocuments: readonly Json[]) =>
    verdictOf(factsOf(topics, { invocation: answered("allowed", { policyDocuments }) })).causes[0]
      ?.evidence ?? "";

  it("names the topic, what the gateway did and the statement that decided", () => {
    const denied: TopicProof = {
      ...proofOf("allow", "denied", "deny"),
      predicted: { decision: "deny", by: "explicit-deny", document: 1, statement: 0, undecided: null },
    };
    expect(causeOf([denied], [])).toBe(
      "publish smoke/publish should be allowed: denied, as seen; policy: statement 0 of document 1 denies it",
    );
  });

  const statement = (action: string, resource: string): Json => ({
    Version: "2012-10-17",
    Statement: [
      { Effect: "Allow", Action: action, Resource: `arn:aws:iot:eu-west-1:123456789012:${resource}` },
    ],
  });

  it.each([
    ["subscribe", "iot:Subscribe", "topic/smoke/*", "it has to be topicfilter/"],
    ["publish", "iot:Publish", "topicfilter/smoke/*", "it has to be topic/"],
    ["receive", "iot:receive", "topicfilter/smoke/*", "it has to be topic/"],
    ["receive", "iot:Subscribe", "topic/smoke/*", "it has to be topicfilter/"],
  ] as const)("of a denied %s points at %s on %s", (action, statementAction, resource, hint) => {
    expect(
      causeOf([proofOf("allow", "denied", "deny", action)], [statement(statementAction, resource)]),
    ).toContain(hint);
  });

  it("points at nothing where the kinds of resources are right", () => {
    const documents = [
      statement("iot:Subscribe", "topicfilter/other"),
      statement("iot:Connect", "topic/smoke"),
    ];
    expect(causeOf([proofOf("allow", "denied", "deny", "subscribe")], documents)).not.toContain("has to be");
  });

  const named = (topic: string, evidence: string): TopicProof => {
    const proof = proofOf("allow", "denied", "deny");
    return { ...proof, test: { ...proof.test, topic }, evidence };
  };

  it("says what is so for the same reason once, names its first topics and counts the rest", () => {
    const many = Array.from({ length: 9 }, (_, index) => named(`t${index}`, "PUBACK 0x87"));
    expect(causeOf(many, [])).toBe(
      "publish t0, t1, t2 and 6 more should be allowed: denied, PUBACK 0x87; policy: no statement allows it",
    );
  });

  it("names the first reasons of many and counts the rest", () => {
    const many = Array.from({ length: 9 }, (_, index) => named(`t${index}`, `reason ${index}`));
    expect(causeOf(many, [])).toMatch(/publish t2 should be allowed: denied, reason 2; [^;]*; and 6 more$/);
  });

  it("does not take one action's topics for another's", () => {
    const open = [
      proofOf("deny", "allowed", "allow", "publish"),
      proofOf("deny", "allowed", "allow", "subscribe"),
    ];
    expect(causeOf(open, [])).toMatch(/^publish \S+ should be denied: .*; subscribe \S+ should be denied: /);
  });
});
