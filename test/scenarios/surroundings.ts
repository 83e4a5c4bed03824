import { admitted, answering, domainOf, type Scenario, V5, V311, variants } from "./scenario.ts";

const CALLER = { accessKeyId: "test", secretAccessKey: "test" };
const HASTY = { timeouts: { invoke: "2s", probe: "2s" } };

/** What is wrong with the domain, the network, the gateway, and with our own access to AWS. */
export const SURROUNDINGS: readonly Scenario[] = [
  ...variants(
    {
      name: "the domain does not let devices name an authorizer",
      rows: [17],
      domain: domainOf("strict", { allowAuthorizerOverride: false }),
      authorizer: answering("another", { when: { password: "other" }, answer: admitted() }),
      profile: { password: "other" },
      verdict: "fail",
      cause: "AUTHORIZER_OVERRIDE_DISALLOWED",
    },
    [
      { label: "refused (3.1.1)", profile: V311 },
      { label: "refused (5)", profile: V5 },
      { label: "the default is asked", behaviours: { overrideDisallowed: "default" } },
    ],
  ),
  {
    name: "MQTT at a domain for WebSocket",
    rows: [18],
    domain: domainOf(
      "wss-only",
      { authenticationType: "CUSTOM_AUTH", applicationProtocol: "MQTT_WSS" },
      { protocol: "wss" },
    ),
    verdict: "inconclusive",
    cause: "DOMAIN_PROTOCOL_MISMATCH",
  },
  {
    name: "WebSocket at a domain for MQTT",
    rows: [18],
    domain: domainOf(
      "mqtt-only",
      { authenticationType: "CUSTOM_AUTH", applicationProtocol: "SECURE_MQTT" },
      { protocol: "mqtt" },
    ),
    profile: { protocol: "wss" },
    verdict: "inconclusive",
    cause: "DOMAIN_PROTOCOL_MISMATCH",
  },
  {
    name: "custom authentication at a domain for signed requests",
    rows: [18],
    domain: domainOf("sigv4", { authenticationType: "AWS_SIGV4", applicationProtocol: "MQTT_WSS" }, null),
    profile: { protocol: "wss" },
    verdict: "fail",
    cause: "DOMAIN_PROTOCOL_MISMATCH",
  },
  ...variants(
    {
      name: "the domain is disabled",
      rows: [19],
      domain: domainOf("disabled", { status: "DISABLED" }, null),
      verdict: "fail",
      cause: "DOMAIN_DISABLED",
    },
    [
      { label: "5", profile: V5 },
      // Nothing at this domain ever answers, so the close stays a close.
      { label: "3.1.1", profile: V311, verdict: "inconclusive" },
      { label: "WebSocket", profile: { protocol: "wss" } },
    ],
  ),
  {
    name: "too many connects for a client id",
    rows: [21],
    profile: { clientId: "hasty" },
    fault: { match: { clientId: "hasty" }, kind: "connack", code: 151 },
    verdict: "inconclusive",
    cause: "GATEWAY_THROTTLED",
  },
  {
    name: "the server's certificate has expired",
    rows: [28],
    domain: domainOf("expired", { certificate: "expired" }, null),
    verdict: "fail",
    cause: "SERVER_CERTIFICATE_EXPIRED",
  },
  {
    name: "the server's certificate leads to no trusted root",
    rows: [28],
    domain: domainOf("untrusted", { certificate: "self-signed" }, null),
    verdict: "fail",
    cause: "SERVER_CERTIFICATE_UNTRUSTED",
  },
  {
    name: "the server's certificate is for another name",
    rows: [28],
    domain: domainOf("other-name", { certificate: "wrong-name" }, null),
    verdict: "fail",
    cause: "SERVER_CERTIFICATE_NAME",
  },
  {
    name: "the API throttles",
    rows: [30],
    domain: domainOf("hasty", {}),
    target: HASTY,
    authorizer: answering("throttled", { answer: admitted() }),
    fault: { match: { authorizer: "throttled" }, kind: "api-throttle" },
    verdict: "inconclusive",
    cause: "API_THROTTLED",
  },
  {
    name: "our own permission to ask is missing",
    rows: [38],
    emulator: { credentials: [{ ...CALLER, deny: ["TestInvokeAuthorizer"] }] },
    verdict: "inconclusive",
    cause: "CALLER_PERMISSION_MISSING",
  },
  {
    name: "our own permission is missing, and a refusal stays a refusal",
    rows: [38],
    emulator: { credentials: [{ ...CALLER, deny: ["TestInvokeAuthorizer"] }] },
    profile: { password: "wrong" },
    verdict: "fail",
    cause: "GATEWAY_REFUSED_UNEXPLAINED",
  },
  {
    name: "our own credentials are wrong",
    rows: [38],
    emulator: { credentials: [{ ...CALLER, secretAccessKey: "another" }] },
    verdict: "inconclusive",
    cause: "CALLER_CREDENTIALS_INVALID",
  },
  {
    name: "a middlebox ends TLS and knows no ALPN",
    rows: [40],
    peer: "no-alpn",
    verdict: "inconclusive",
    cause: "TLS_FAILED",
  },
  {
    name: "the gateway says nothing",
    rows: [],
    domain: domainOf("hasty", {}),
    target: HASTY,
    profile: { clientId: "unheard" },
    fault: { match: { clientId: "unheard" }, kind: "silent" },
    verdict: "inconclusive",
    cause: "GATEWAY_TIMEOUT",
  },
  {
    name: "the gateway resets the connection",
    rows: [],
    profile: { clientId: "cut-off" },
    fault: { match: { clientId: "cut-off" }, kind: "reset" },
    verdict: "inconclusive",
    cause: "GATEWAY_RESET",
  },
  {
    name: "the gateway refuses and nobody knows why",
    rows: [],
    profile: { clientId: "unlucky" },
    fault: { match: { clientId: "unlucky" }, kind: "deny" },
    verdict: "fail",
    cause: "GATEWAY_REFUSED_UNEXPLAINED",
  },
];
