import {
  ALLOW_ALL,
  admitted,
  answering,
  arn,
  domainOf,
  policy,
  returning,
  type Scenario,
  statement,
  token,
  tokenWithPlus,
  V5,
  V311,
} from "./scenario.ts";

const NO_LOGIN = { username: undefined, password: undefined };
const SIGNED = { ...NO_LOGIN, authorizer: "signed" };
const HTTPS = { ...SIGNED, protocol: "https", clientId: undefined, mqttVersion: undefined, topic: "smoke/x" };
const KEEPING = {
  cleanSession: false,
  sessionExpirySeconds: 60,
  will: { topic: "smoke/gone", payload: "gone" },
};

/** Only what a device with a will and a session needs. */
const WILL_AND_SESSION = returning(
  "will-and-session",
  policy(
    statement("Allow", "iot:Connect", arn("client/${iot:ClientId}"), {
      Condition: {
        "ForAllValues:StringEquals": { "iot:ConnectAttributes": ["PersistentConnect", "LastWill"] },
      },
    }),
    statement("Allow", "iot:Publish", arn("topic/smoke/gone")),
  ),
);

/** Nothing is wrong with these: naming a cause would be crying wolf. */
export const CONTROLS: readonly Scenario[] = [
  { name: "MQTT 3.1.1 with a password", profile: V311 },
  { name: "MQTT 5 with a password", profile: V5 },
  { name: "MQTT with a signed token", profile: { ...SIGNED, token: token("good") } },
  {
    name: "a signature with + and /, encoded once",
    profile: { ...SIGNED, token: tokenWithPlus() },
    emulator: { behaviours: { plusInUsername: "space" } },
  },
  {
    name: "WebSocket, credentials in headers",
    profile: { ...SIGNED, protocol: "wss", token: tokenWithPlus(), credentialsIn: "headers" },
  },
  {
    name: "WebSocket, credentials in the query",
    profile: { ...SIGNED, protocol: "wss", token: tokenWithPlus(), credentialsIn: "query", ...V311 },
  },
  {
    name: "WebSocket, credentials in the user name",
    profile: { ...SIGNED, protocol: "wss", token: tokenWithPlus(), credentialsIn: "username" },
  },
  { name: "HTTPS, credentials in headers", profile: { ...HTTPS, token: tokenWithPlus() } },
  {
    name: "HTTPS, credentials in the query",
    profile: { ...HTTPS, token: tokenWithPlus(), credentialsIn: "query" },
  },
  { name: "no authorizer named where the domain has a default", profile: { authorizer: undefined } },
  {
    name: "no override where the default is named",
    domain: domainOf("no-override", { allowAuthorizerOverride: false }),
    profile: { authorizer: "passwords" },
  },
  {
    name: "client certificate and authorizer together",
    domain: domainOf(
      "x509",
      {
        authenticationType: "CUSTOM_AUTH_X509",
        applicationProtocol: "SECURE_MQTT",
        defaultAuthorizer: "with-certificate",
      },
      null,
    ),
    authorizer: answering("with-certificate", { answer: admitted({ principalId: "{certificateId}" }) }),
    profile: { tls: { certFile: "client.pem", keyFile: "client.key" } },
  },
  {
    name: "a persistent session and a will that the policy allows (3.1.1)",
    authorizer: WILL_AND_SESSION,
    profile: { ...V311, connect: { cleanSession: false, will: KEEPING.will } },
  },
  {
    name: "a persistent session and a will that the policy allows (5)",
    authorizer: WILL_AND_SESSION,
    profile: { ...V5, connect: KEEPING },
  },
  {
    name: "a device that its authorizer has to refuse",
    profile: { password: "wrong", expect: "deny" },
  },
  {
    name: "a device that its policy has to refuse",
    authorizer: returning("nobody-connects", policy(statement("Allow", "iot:Publish", "*"))),
    profile: { expect: "deny" },
  },
  {
    name: "a device whose signature has to be refused",
    profile: { ...SIGNED, token: { ...token("good"), signature: token("other").signature }, expect: "deny" },
  },
  {
    name: "two question marks that the gateway does not mind",
    profile: { authorizer: undefined, username: "login?a=b?SDK=x" },
    emulator: { behaviours: { secondQuestionMark: "ignore" } },
  },
  {
    name: "a domain for MQTT with custom authentication only",
    domain: domainOf("explicit", { authenticationType: "CUSTOM_AUTH", applicationProtocol: "SECURE_MQTT" }),
  },
  ...[V311, V5].map((version) => ({
    name: `topics as they should be (${version.mqttVersion === 4 ? "3.1.1" : "5"})`,
    authorizer: returning(
      "own-topics",
      policy(
        statement("Allow", "iot:Connect", arn("client/${iot:ClientId}")),
        statement("Allow", ["iot:Publish", "iot:Receive"], arn("topic/smoke/${iot:ClientId}")),
        statement("Allow", "iot:Subscribe", arn("topicfilter/smoke/${iot:ClientId}")),
      ),
    ),
    profile: {
      ...version,
      expect: {
        publish: { allow: ["smoke/{clientId}"] },
        subscribe: { allow: ["smoke/{clientId}"], deny: ["smoke/somebody", "smoke/#"] },
        receive: { allow: ["smoke/{clientId}"] },
      },
    },
  })),
  {
    name: "answers at the very limits",
    authorizer: answering("at-the-limits", {
      answer: admitted({
        principalId: "a".repeat(128),
        refreshAfterInSeconds: 300,
        disconnectAfterInSeconds: 300,
        policyDocuments: Array(10).fill(ALLOW_ALL),
      }),
    }),
  },
].map((control) => ({ rows: [], verdict: "pass", cause: null, ...control }) as Scenario);
