import { describe, expect, it } from "vitest";
import type { Json } from "../../src/model/invocation.ts";
import type { LesserPredictions } from "../../src/model/prediction.ts";
import { NOT_ASKED, predictLesser } from "../../src/policy/lesser.ts";
import { predictConnect } from "../../src/policy/predict.ts";
import { answered, targetOf } from "../support/fixtures.ts";
import { type CONNECT, wireOf } from "../support/gateway-input.ts";

const ALLOW = { Effect: "Allow", Action: "iot:*", Resource: "*" };
const WILL = { topic: "gone", payload: "", qos: 0 } as const;

function lesserOf(
  documents: readonly Json[],
  connect: Partial<typeof CONNECT> = {},
  isAuthenticated = true,
): LesserPredictions {
  const { answer } = answered("allowed", { policyDocuments: documents, isAuthenticated });
  const wire = wireOf("mqtt", {}, connect);
  const input = { answer, target: targetOf(), wire, topic: null, sourceIp: null, secrets: [] };
  return predictLesser(input, predictConnect(input));
}

function decisions({ willAndSession, conditions }: LesserPredictions) {
  return [willAndSession?.decision ?? null, conditions?.decision ?? null];
}

const document = (...statements: Json[]): Json => ({ Version: "2012-10-17", Statement: statements });

describe("a connect that asks for less", () => {
  it("is not asked for where the prediction is an allow, or nobody is authenticated", () => {
    expect(lesserOf([document(ALLOW)])).toEqual(NOT_ASKED);
    expect(lesserOf([], {}, false)).toEqual(NOT_ASKED);
  });

  it("is not asked for where there is nothing to leave out", () => {
    expect(lesserOf([])).toEqual(NOT_ASKED);
  });

  it("is allowed without the will whose topic may not be published to", () => {
    const connectOnly = document({ ...ALLOW, Action: "iot:Connect" });
    expect(decisions(lesserOf([connectOnly], { will: WILL }))).toEqual(["allow", null]);
  });

  it("is allowed without the session that a condition leaves out", () => {
    const condition = { "ForAllValues:StringEquals": { "iot:ConnectAttributes": ["LastWill"] } };
    const conditional = document({ ...ALLOW, Condition: condition });
    expect(decisions(lesserOf([conditional], { cleanSession: false }))).toEqual(["allow", "allow"]);
  });

  it("is denied all the same where that is not why", () => {
    expect(decisions(lesserOf([document()], { will: WILL, cleanSession: false }))).toEqual(["deny", null]);
  });
});

describe("a policy without its conditions", () => {
  const elsewhere = { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } };

  it("takes an Allow's for met", () => {
    expect(decisions(lesserOf([document({ ...ALLOW, Condition: elsewhere })]))).toEqual([null, "allow"]);
  });

  it("takes a Deny's for not met", () => {
    const denied = document(ALLOW, { ...ALLOW, Effect: "Deny", Condition: elsewhere });
    expect(decisions(lesserOf([denied]))).toEqual([null, "allow"]);
  });

  it("keeps a Deny that has none", () => {
    const denied = document({ ...ALLOW, Condition: elsewhere }, { ...ALLOW, Effect: "Deny" });
    expect(decisions(lesserOf([denied]))).toEqual([null, "deny"]);
  });

  it("takes a single statement that is no list, and bears what is no policy", () => {
    const single = { Statement: { ...ALLOW, Condition: elsewhere } };
    expect(decisions(lesserOf([single]))).toEqual([null, "allow"]);
    const odd: readonly Json[] = [null, "text", 1, [], {}, { Statement: null }, { Statement: [null, 1] }];
    for (const each of odd) {
      expect(() => lesserOf([each])).not.toThrow();
    }
  });
});
