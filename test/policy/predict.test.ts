// biome-ignore-all lint/suspicious/noTemplateCurlyInString: policy variables are written like this
import { describe, expect, it } from "vitest";
import type { ConnectFields, TlsWire, Wire } from "../../src/model/context.ts";
import type { AuthorizerAnswer, Json } from "../../src/model/invocation.ts";
import { Secret } from "../../src/model/secret.ts";
import { resourceArn } from "../../src/policy/arn.ts";
import { type PredictInput, predictConnect } from "../../src/policy/predict.ts";
import { ACCOUNT, allow, deny, doc } from "./case.ts";

const TLS: TlsWire = {
  serverName: "a1-ats.iot.us-east-1.amazonaws.com",
  alpn: ["mqtt"],
  clientCertificate: null,
  minVersion: "TLSv1.2",
  maxVersion: "TLSv1.3",
  groups: "X25519:P-256",
};
const CONNECT: ConnectFields = {
  mqttVersion: 5,
  clientId: "dev-1",
  username: null,
  password: null,
  cleanSession: true,
  sessionExpirySeconds: 0,
  keepAliveSeconds: 60,
  will: null,
};
const WILL = { topic: "wills/dev-1", payload: "", qos: 1 } as const;
const certificate = { cert: new Secret("cert"), key: new Secret("key") };

const mqtt = (connect: Partial<ConnectFields> = {}, tls: Partial<TlsWire> = {}): Wire => ({
  kind: "mqtt",
  tls: { ...TLS, ...tls },
  connect: { ...CONNECT, ...connect },
});
const https: Wire = { kind: "https", tls: TLS, path: new Secret("/topics/a%2Fb?qos=1"), headers: {} };

function predict(documents: readonly Json[], wire: Wire = mqtt(), input: Partial<PredictInput> = {}) {
  const answer: AuthorizerAnswer = {
    isAuthenticated: true,
    principalId: "dev1",
    policyDocuments: documents,
    policyHash: null,
    refreshAfterSeconds: null,
    disconnectAfterSeconds: null,
  };
  return predictConnect({
    answer,
    target: { partition: "aws", region: "us-east-1", accountId: "123456789012" },
    wire,
    topic: wire.kind === "https" ? "a/b" : null,
    sourceIp: null,
    secrets: [],
    ...input,
  });
}

const onClient = (id: string, more: Json = {}) =>
  allow({ Resource: `${ACCOUNT}:client/${id}`, ...(more as Record<string, Json>) });
const publishOn = (topic: string) => allow({ Action: "iot:Publish", Resource: `${ACCOUNT}:topic/${topic}` });

describe("predicting an MQTT connect", () => {
  it("asks for iot:Connect on the client id in the target's account, Region and partition", () => {
    expect(predict([doc(onClient("dev-1"))])).toMatchObject({ decision: "allow", document: 0, statement: 0 });
    expect(predict([doc(onClient("dev-2"))])).toMatchObject({ decision: "deny", by: "implicit-deny" });
    const china = { partition: "aws-cn", region: "cn-north-1", accountId: "1" } as const;
    const documents = [doc(allow({ Resource: resourceArn(china, "client", "dev-1") }))];
    expect(predict(documents, mqtt(), { target: china }).decision).toBe("allow");
    expect(predict(documents).decision).toBe("deny");
  });

  it("is the same over WebSocket", () => {
    const wire: Wire = { kind: "wss", tls: TLS, path: new Secret("/mqtt"), headers: {}, connect: CONNECT };
    expect(predict([doc(onClient("${iot:ClientId}"))], wire).decision).toBe("allow");
    expect(predict([doc(onClient("dev-2"))], wire).decision).toBe("deny");
  });

  it("denies a device that is not authenticated, whatever the documents say", () => {
    const answer: AuthorizerAnswer = {
      isAuthenticated: false,
      principalId: null,
      policyDocuments: [doc(allow())],
      policyHash: null,
      refreshAfterSeconds: null,
      disconnectAfterSeconds: null,
    };
    expect(predict([], mqtt(), { answer })).toMatchObject({ decision: "deny", by: "implicit-deny" });
  });

  it("takes the SNI for iot:DomainName, and does not know it without SNI", () => {
    const documents = [doc(allow({ Condition: { StringEquals: { "iot:DomainName": TLS.serverName } } }))];
    expect(predict(documents).decision).toBe("allow");
    expect(predict(documents, mqtt({}, { serverName: "other.example.com" })).decision).toBe("deny");
    expect(predict(documents, mqtt({}, { serverName: null })).decision).toBe("unknown");
  });

  it("takes the probe's address for aws:SourceIp where it is known", () => {
    const documents = [doc(allow({ Condition: { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } } }))];
    expect(predict(documents, mqtt(), { sourceIp: "203.0.113.9" }).decision).toBe("allow");
    expect(predict(documents, mqtt(), { sourceIp: "198.51.100.1" }).decision).toBe("deny");
    expect(predict(documents)).toMatchObject({ decision: "unknown", by: null });
  });

  it("cannot know what the policies of a client certificate add, save beside an explicit deny", () => {
    const wire = mqtt({}, { clientCertificate: certificate });
    expect(predict([doc(allow())], wire).decision).toBe("unknown");
    expect(predict([], wire).decision).toBe("unknown");
    expect(predict([doc(allow(), deny())], wire)).toMatchObject({ decision: "deny", statement: 1 });
  });

  it("masks a secret that a policy repeats", () => {
    const documents = [doc(allow({ Condition: { Odd: {}, "echo-of-s3cret": {} } }))];
    const { undecided } = predict([doc(allow({ Condition: { "echo-of-s3cret": {} } }))], mqtt(), {
      secrets: [new Secret("s3cret")],
    });
    expect(undecided).toContain("echo-of-<secret>");
    expect(predict(documents).decision).toBe("unknown");
  });
});

describe("predicting session and will", () => {
  const persistent = [
    doc(
      allow({
        Condition: { "ForAnyValue:StringEquals": { "iot:ConnectAttributes": ["PersistentConnect"] } },
      }),
    ),
  ];

  it.each([
    ["3.1.1 with clean session", { mqttVersion: 4, cleanSession: true }, "deny"],
    ["3.1.1 without clean session", { mqttVersion: 4, cleanSession: false }, "allow"],
    ["5 with clean start and no expiry", { cleanSession: true, sessionExpirySeconds: 0 }, "deny"],
    ["5 with clean start and an expiry", { cleanSession: true, sessionExpirySeconds: 60 }, "allow"],
    ["5 without clean start, with an expiry", { cleanSession: false, sessionExpirySeconds: 60 }, "allow"],
    ["5 without clean start and without expiry", { cleanSession: false, sessionExpirySeconds: 0 }, "unknown"],
  ] as const)("MQTT %s asks for PersistentConnect: %s -> %s", (_name, connect, expected) => {
    expect(predict(persistent, mqtt(connect)).decision).toBe(expected);
  });

  it("does not mind the open question where the policy does not ask", () => {
    const connect = { cleanSession: false, sessionExpirySeconds: 0 };
    expect(predict([doc(allow())], mqtt(connect)).decision).toBe("allow");
    expect(predict([], mqtt(connect))).toMatchObject({ decision: "deny", by: "implicit-deny" });
  });

  it("refuses a will that the condition does not list", () => {
    const condition = { "ForAllValues:StringEquals": { "iot:ConnectAttributes": ["PersistentConnect"] } };
    const documents = [doc(allow({ Condition: condition }), publishOn("*"))];
    expect(predict(documents).decision).toBe("allow");
    expect(predict(documents, mqtt({ will: WILL })).decision).toBe("deny");
  });

  it("gives the will's topic as an ARN", () => {
    const condition = { ArnEquals: { "iot:LastWillTopic": `${ACCOUNT}:topic/wills/\${iot:ClientId}` } };
    const documents = [doc(allow({ Condition: condition }), publishOn("*"))];
    expect(predict(documents, mqtt({ will: WILL })).decision).toBe("allow");
    expect(predict(documents, mqtt({ will: { ...WILL, topic: "wills/dev-2" } })).decision).toBe("deny");
    expect(predict(documents).decision).toBe("deny");
  });

  it("needs iot:Publish on the will's topic", () => {
    expect(predict([doc(allow())], mqtt({ will: WILL }))).toMatchObject({
      decision: "deny",
      by: "implicit-deny",
    });
    expect(predict([doc(allow(), publishOn("wills/dev-1"))], mqtt({ will: WILL })).decision).toBe("allow");
    const denied = [doc(allow(), publishOn("*"), deny({ Action: "iot:Publish" }))];
    expect(predict(denied, mqtt({ will: WILL }))).toMatchObject({ by: "explicit-deny", statement: 2 });
  });

  it("is certain of a deny however unknown the other half is", () => {
    const hidden = { StringEquals: { "aws:SourceVpc": "vpc-1" } };
    const wire = mqtt({ will: WILL });
    expect(predict([doc(allow({ Condition: hidden }))], wire).decision).toBe("deny");
    expect(predict([doc(allow({ Condition: hidden }), publishOn("*"))], wire).decision).toBe("unknown");
    expect(predict([doc(allow(), allow({ Action: "iot:Publish", Condition: hidden }))], wire).decision).toBe(
      "unknown",
    );
  });
});

describe("predicting an HTTPS publish", () => {
  it("is decided by iot:Publish where it is denied", () => {
    expect(predict([doc(allow(), publishOn("other"))], https)).toMatchObject({
      decision: "deny",
      by: "implicit-deny",
    });
    const denied = [doc(allow({ Action: "iot:*" }), deny({ Action: "iot:Publish" }))];
    expect(predict(denied, https)).toMatchObject({ by: "explicit-deny", statement: 1 });
  });

  it("is an allow where both publish and connect are allowed", () => {
    expect(predict([doc(allow(), publishOn("a/b"))], https)).toMatchObject({
      decision: "allow",
      statement: 1,
    });
  });

  it("is unknown where only publish is allowed, and says why", () => {
    const prediction = predict([doc(publishOn("a/b"))], https);
    expect(prediction).toMatchObject({ decision: "unknown", by: null, document: null });
    expect(prediction.undecided).toContain("iot:Connect is undocumented");
  });

  it("has no client id", () => {
    expect(predict([doc(allow(), publishOn("${iot:ClientId}/b"))], https).decision).toBe("deny");
  });

  it("is unknown without a topic", () => {
    expect(predict([doc(allow({ Action: "*" }))], https, { topic: null }).decision).toBe("unknown");
  });
});
