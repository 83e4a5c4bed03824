import {
  ALLOW_ALL,
  arn,
  PROVEN,
  policy,
  returning,
  type Scenario,
  statement,
  V5,
  V311,
  variants,
} from "./scenario.ts";

const VERSIONS = [
  { label: "3.1.1", profile: V311 },
  { label: "5", profile: V5 },
];
const WILL = { topic: "smoke/gone", payload: "gone" };
const HTTPS = {
  protocol: "https",
  username: undefined,
  password: undefined,
  clientId: undefined,
  mqttVersion: undefined,
  topic: "smoke/x",
};

function connectIf(name: string, condition: object) {
  return returning(name, policy(statement("Allow", "iot:*", "*", { Condition: condition })));
}

const TOPIC = "smoke/{id}";
/** What a gateway does about a denied publish or subscription is not documented. */
const DENIALS = [
  { label: "3.1.1, disconnect", profile: V311 },
  {
    label: "3.1.1, keep",
    profile: V311,
    behaviours: { deniedPublish311: "keep", deniedSubscribe311: "keep" },
  },
  { label: "5, keep", profile: V5 },
  {
    label: "5, disconnect",
    profile: V5,
    behaviours: { deniedPublish5: "disconnect", deniedSubscribe5: "disconnect" },
  },
  { label: "WebSocket", profile: { protocol: "wss" } },
];

function allowing(name: string, ...statements: readonly (readonly [action: string, resource: string])[]) {
  const all = [["Connect", "client/*"] as const, ...statements];
  return returning(
    name,
    policy(...all.map(([action, resource]) => statement("Allow", `iot:${action}`, arn(resource)))),
  );
}

/** What is wrong with the policies that the authorizer returns. */
export const POLICIES: readonly Scenario[] = [
  ...variants(
    {
      name: "iot:Connect for another client id",
      rows: [10],
      authorizer: returning("other-client", policy(statement("Allow", "iot:Connect", arn("client/pump-1")))),
      verdict: "fail",
      cause: "POLICY_CONNECT_DENIED",
    },
    [
      ...VERSIONS,
      { label: "3.1.1, closed", profile: V311, behaviours: { refusePolicyMqtt311: "close" } },
      { label: "5, closed", profile: V5, behaviours: { refusePolicyMqtt5: "close" } },
      { label: "3.1.1, code 7", profile: V311, behaviours: { refusePolicyMqtt311: 7 } },
    ],
  ),
  {
    name: "always authenticated, with a policy that denies",
    rows: [11],
    authorizer: returning("denies", policy(statement("Deny", "iot:*", "*")), ALLOW_ALL),
    verdict: "fail",
    cause: "POLICY_CONNECT_DENIED",
  },
  {
    name: "iot:Connect is missing over WebSocket",
    rows: [10],
    authorizer: returning("no-connect", policy(statement("Allow", "iot:Publish", "*"))),
    profile: { protocol: "wss" },
    verdict: "fail",
    cause: "POLICY_CONNECT_DENIED",
  },
  ...variants(
    {
      name: "iot:Publish is missing over HTTPS",
      rows: [12],
      authorizer: returning("no-publish", policy(statement("Allow", "iot:Connect", "*"))),
      profile: HTTPS,
      verdict: "fail",
      cause: "POLICY_PUBLISH_DENIED",
    },
    [{ label: "403" }, { label: "401", behaviours: { httpsRefusalStatus: 401 } }],
  ),
  ...variants(
    {
      name: "the will's topic may not be published to",
      rows: [26],
      authorizer: returning("no-will", policy(statement("Allow", "iot:Connect", "*"))),
      profile: { connect: { will: WILL } },
      verdict: "fail",
      cause: "POLICY_WILL_OR_SESSION",
    },
    VERSIONS,
  ),
  {
    name: "a condition refuses the persistent session (3.1.1)",
    rows: [26],
    authorizer: connectIf("no-session", {
      "ForAllValues:StringEquals": { "iot:ConnectAttributes": ["LastWill"] },
    }),
    profile: { ...V311, connect: { cleanSession: false } },
    verdict: "fail",
    cause: "POLICY_WILL_OR_SESSION",
    evidence: PROVEN,
  },
  {
    name: "a condition refuses the persistent session (5)",
    rows: [26],
    authorizer: connectIf("no-session", {
      "ForAllValues:StringEquals": { "iot:ConnectAttributes": ["LastWill"] },
    }),
    profile: { ...V5, connect: { cleanSession: false, sessionExpirySeconds: 600 } },
    verdict: "fail",
    cause: "POLICY_WILL_OR_SESSION",
    evidence: PROVEN,
  },
  {
    name: "a condition allows another last will",
    rows: [26],
    authorizer: connectIf("other-will", {
      ArnLikeIfExists: { "iot:LastWillTopic": arn("topic/last/*") },
    }),
    profile: { connect: { will: WILL } },
    verdict: "fail",
    cause: "POLICY_WILL_OR_SESSION",
  },
  ...variants(
    {
      name: "allowed from another network only",
      rows: [31],
      authorizer: connectIf("from-elsewhere", { IpAddress: { "aws:SourceIp": "203.0.113.0/24" } }),
      verdict: "fail",
      cause: "POLICY_CONDITION",
    },
    VERSIONS,
  ),
  {
    name: "allowed at another domain only",
    rows: [31],
    authorizer: connectIf("other-domain", { StringEquals: { "iot:DomainName": "devices.example.com" } }),
    verdict: "fail",
    cause: "POLICY_CONDITION",
  },
  {
    name: "denied from this network",
    rows: [31],
    authorizer: returning(
      "denied-here",
      policy(
        statement("Allow", "iot:*", "*"),
        statement("Deny", "iot:Connect", "*", {
          Condition: { IpAddress: { "aws:SourceIp": "127.0.0.0/8" } },
        }),
      ),
    ),
    verdict: "fail",
    cause: "POLICY_CONDITION",
  },
  ...variants(
    {
      name: "iot:Publish is missing",
      rows: [12],
      authorizer: allowing("no-publish-over-mqtt", ["Subscribe", "topicfilter/*"], ["Receive", "topic/*"]),
      profile: { expect: { publish: { allow: [TOPIC] } } },
      verdict: "fail",
      cause: "POLICY_PUBLISH_DENIED",
    },
    // What is dropped without an answer is no proof, even where the policy says why.
    DENIALS.map((way) => (way.label === "3.1.1, keep" ? { ...way, verdict: "inconclusive" as const } : way)),
  ),
  ...variants(
    {
      name: "iot:Subscribe is missing",
      rows: [12],
      authorizer: allowing("no-subscribe", ["Publish", "topic/*"], ["Receive", "topic/*"]),
      profile: { expect: { subscribe: { allow: [TOPIC] } } },
      verdict: "fail",
      cause: "POLICY_SUBSCRIBE_DENIED",
    },
    DENIALS,
  ),
  ...variants(
    {
      name: "iot:Subscribe on topic/ where it should be topicfilter/",
      rows: [12],
      authorizer: allowing("topic-for-filter", ["Subscribe", "topic/*"], ["Publish", "topic/*"]),
      profile: { expect: { subscribe: { allow: ["smoke/{id}/+"] } } },
      verdict: "fail",
      cause: "POLICY_SUBSCRIBE_DENIED",
    },
    DENIALS,
  ),
  ...variants(
    {
      name: "iot:Receive is missing",
      rows: [12],
      authorizer: allowing("no-receive", ["Publish", "topic/*"], ["Subscribe", "topicfilter/*"]),
      profile: { expect: { receive: { allow: [TOPIC] } } },
      verdict: "fail",
      cause: "POLICY_RECEIVE_DENIED",
    },
    VERSIONS,
  ),
  ...variants(
    {
      name: "another device's topic may be subscribed to",
      rows: [],
      profile: { expect: { subscribe: { deny: ["smoke/somebody"] } } },
      verdict: "fail",
      cause: "POLICY_TOO_OPEN",
    },
    VERSIONS,
  ),
];
