// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written like this
import { describe, expect, it } from "vitest";
import type { DeviceContext } from "../../src/model/context.ts";
import type { Json } from "../../src/model/invocation.ts";
import type { Prediction } from "../../src/model/prediction.ts";
import type { TopicTest } from "../../src/model/proof.ts";
import { Secret } from "../../src/model/secret.ts";
import { predictTopics } from "../../src/policy/predict-topics.ts";
import { presetTests } from "../../src/policy/presets.ts";
import { topicProofs } from "../../src/policy/topic-proofs.ts";
import { ACCEPTED, answered, checkOf, GUARDED, predicted, profileOf, targetOf } from "../support/fixtures.ts";
import { wireOf } from "../support/gateway-input.ts";

const arn = (resource: string) => `arn:aws:iot:eu-west-1:123456789012:${resource}`;

function statement(action: string | readonly string[], ...resources: readonly string[]): Json {
  return { Effect: "Allow", Action: action, Resource: resources.map(arn) };
}

function documentOf(...statements: readonly Json[]): Json {
  return { Version: "2012-10-17", Statement: statements };
}

const wire = wireOf("mqtt");

function predict(test: TopicTest, document: Json, connect: Prediction | null = null): Prediction | undefined {
  const { answer } = answered("allowed", { policyDocuments: [document] });
  const input = { answer, target: targetOf(), wire, sourceIp: null, secrets: [], connect };
  return predictTopics(input, [test])[0];
}

const test = (action: TopicTest["action"], topic: string, filter?: string): TopicTest => ({
  action,
  topic,
  expected: "allow",
  ...(filter === undefined ? {} : { filter }),
});

const PUB = "iot:Publish";
const SUB = "iot:Subscribe";
const RECEIVE = "iot:Receive";

describe("the resource asked for", () => {
  it.each<[string, TopicTest, readonly Json[], Prediction["decision"]]>([
    ["publish on topic/", test("publish", "a/b"), [statement(PUB, "topic/a/b")], "allow"],
    ["publish on topicfilter/", test("publish", "a/b"), [statement(PUB, "topicfilter/a/b")], "deny"],
    ["publish by wildcard", test("publish", "a/b/c"), [statement(PUB, "topic/a/*")], "allow"],
    [
      "publish with the client id",
      test("publish", "x/pump-1"),
      [statement(PUB, "topic/x/${iot:ClientId}")],
      "allow",
    ],
    ["subscribe on topicfilter/", test("subscribe", "a/+"), [statement(SUB, "topicfilter/a/+")], "allow"],
    ["subscribe on topic/", test("subscribe", "a/+"), [statement(SUB, "topic/a/+")], "deny"],
    [
      "a wider MQTT filter than the policy's",
      test("subscribe", "a/b"),
      [statement(SUB, "topicfilter/a/+")],
      "deny",
    ],
    [
      "receive with a filter of its own",
      test("receive", "a/b"),
      [statement(RECEIVE, "topic/a/b"), statement(SUB, "topicfilter/a/b")],
      "allow",
    ],
    ["receive without Subscribe", test("receive", "a/b"), [statement(RECEIVE, "topic/a/b")], "deny"],
    ["receive without Receive", test("receive", "a/b"), [statement(SUB, "topicfilter/a/b")], "deny"],
    [
      "receive by a filter that is listed",
      test("receive", "a/b", "a/+"),
      [statement(RECEIVE, "topic/a/*")],
      "allow",
    ],
    [
      "a shared subscription, both readings",
      test("subscribe", "$share/g/a"),
      [statement(SUB, "topicfilter/*")],
      "allow",
    ],
    [
      "a shared subscription, neither",
      test("subscribe", "$share/g/a"),
      [statement(SUB, "topicfilter/b")],
      "deny",
    ],
    [
      "a shared subscription, the plain reading only",
      test("subscribe", "$share/g/a"),
      [statement(SUB, "topicfilter/a")],
      "unknown",
    ],
    [
      "a shared subscription, as written only",
      test("subscribe", "$share/g/a"),
      [statement(SUB, "topicfilter/$share/g/a")],
      "unknown",
    ],
  ])("%s", (_what, topic, statements, decision) => {
    expect(predict(topic, documentOf(...statements))?.decision).toBe(decision);
  });

  it("names the statement that decided", () => {
    const both = documentOf(statement(SUB, "topicfilter/a"), statement(RECEIVE, "topic/a"), {
      Effect: "Deny",
      Action: RECEIVE,
      Resource: arn("topic/a"),
    });
    expect(predict(test("receive", "a"), both)).toMatchObject({
      by: "explicit-deny",
      document: 0,
      statement: 2,
    });
  });
});

describe("without the connection nothing else counts", () => {
  const topic = test("publish", "a");

  it("where it is only predicted", () => {
    const everything = {
      Version: "2012-10-17",
      Statement: [{ Effect: "Allow", Action: "iot:*", Resource: "*" }],
    };
    expect(predict(topic, everything, predicted("deny"))?.decision).toBe("deny");
    expect(predict(topic, everything, predicted("unknown"))?.decision).toBe("unknown");
    expect(predict(topic, everything, predicted("allow"))?.decision).toBe("allow");
    expect(predict(topic, everything)?.decision).toBe("allow");
    const elsewhere = documentOf(statement(PUB, "topic/b"));
    expect(predict(topic, elsewhere, predicted("unknown"))?.decision).toBe("deny");
  });
});

describe("a preset", () => {
  it("needs what AWS's reserved topics ask for", () => {
    expect(presetTests(null, "t")).toEqual([]);
    const jobs = presetTests("iot-jobs", "t").map(({ action, topic }) => `${action} ${topic}`);
    expect(jobs).toContain("subscribe $aws/things/t/jobs/notify-next");
    expect(jobs).toContain("publish $aws/things/t/jobs/start-next");
    expect(jobs).toContain("subscribe $aws/things/t/jobs/+/update/rejected");
    expect(jobs.some((each) => /^publish .*[+#]/.test(each))).toBe(false);
    expect(jobs.some((each) => /^receive .*[+#]/.test(each))).toBe(false);
    const shadow = presetTests("shadow", "t").map(({ action, topic }) => `${action} ${topic}`);
    expect(shadow).toContain("publish $aws/things/t/shadow/delete");
    expect(shadow).toContain("receive $aws/things/t/shadow/update/delta");
    expect(shadow).toContain("subscribe $aws/things/t/shadow/update/documents");
  });

  it.each(["iot-jobs", "shadow"] as const)(
    "%s is met by the policy that AWS's pages show for it",
    (preset) => {
      const root = preset === "shadow" ? "$aws/things/pump-1/shadow" : "$aws/things/pump-1/jobs";
      const policy = documentOf(
        statement(PUB, `topic/${root}/*`),
        statement(SUB, `topicfilter/${root}/*`),
        statement(RECEIVE, `topic/${root}/*`),
      );
      const { answer } = answered("allowed", { policyDocuments: [policy] });
      const input = { answer, target: targetOf(), wire, sourceIp: null, secrets: [], connect: null };
      const of = (thing: string) =>
        new Set(predictTopics(input, presetTests(preset, thing)).map(({ decision }) => decision));
      expect([...of("pump-1")]).toEqual(["allow"]);
      expect([...of("pump-2")]).toEqual(["deny"]);
    },
  );
});

describe("the proofs", () => {
  const context: DeviceContext = {
    authorizer: null,
    tokenKey: null,
    wire,
    request: { token: null, tokenSignature: null, httpContext: null, mqttContext: null, tlsContext: null },
    secrets: [new Secret("right")],
  };
  const expectation = { ...profileOf().expect, preset: "shadow" as const };
  const gathered = {
    check: checkOf({}, { expect: expectation }),
    target: targetOf(),
    context,
    invocation: answered("allowed", { policyDocuments: [documentOf(statement(PUB, "topic/a"))] }),
    prediction: predicted("allow"),
    outcome: ACCEPTED,
  };
  const a = test("publish", "a");
  const b = test("publish", "b");

  it("put test, prediction and answer side by side, the preset last and never tried", () => {
    const answer = { test: b, answer: "denied", evidence: "PUBACK 0x87" } as const;
    const proofs = topicProofs(gathered, [a, b], [answer]);
    expect(proofs.slice(0, 2).map(({ predicted: { decision }, gateway }) => [decision, gateway])).toEqual([
      ["allow", "not-tried"],
      ["deny", "denied"],
    ]);
    expect(proofs.slice(2)).toHaveLength(presetTests("shadow", "pump-1").length);
    expect(
      proofs
        .slice(2)
        .every(({ gateway, predicted: { decision } }) => gateway === "not-tried" && decision === "deny"),
    ).toBe(true);
  });

  it("say why nothing was tried", () => {
    const [proof] = topicProofs({ ...gathered, outcome: GUARDED }, [a], []);
    expect(proof).toMatchObject({
      gateway: "not-tried",
      evidence: GUARDED.kind === "skipped" ? GUARDED.reason : "",
    });
  });

  it("predict nothing where there is no policy, for the reason that the connection has", () => {
    const prediction = predicted("unknown");
    const invocation = { kind: "skipped", why: "not-selected" } as const;
    const [proof] = topicProofs({ ...gathered, invocation, prediction }, [a], []);
    expect(proof?.predicted).toBe(prediction);
  });

  it("take the thing's name from the label `thing`, else from the client id, and none where the device stays out", () => {
    const topicsOf = (check: typeof gathered.check) =>
      topicProofs({ ...gathered, check }, [], []).map(({ test: { topic } }) => topic);
    const named = checkOf({}, { expect: expectation, labels: { thing: "T" } });
    expect(topicsOf(named)[0]).toBe("$aws/things/T/shadow/get");
    expect(topicsOf(gathered.check)[0]).toBe("$aws/things/pump-1/shadow/get");
    expect(topicsOf(checkOf({ expectation: "deny" }, { expect: expectation }))).toEqual([]);
    expect(topicsOf(checkOf({ protocol: "https" }, { expect: expectation }))).toEqual([]);
  });
});
