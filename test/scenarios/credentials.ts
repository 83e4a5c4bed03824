import {
  domainOf,
  PROVEN,
  ROGUE_KEY,
  type Scenario,
  token,
  tokenWithPlus,
  V5,
  V311,
  variants,
} from "./scenario.ts";

const SIGNED = { username: undefined, password: undefined, authorizer: "signed" };
const WITH_PLUS = tokenWithPlus();

/** A wire user name of which one part is as `signature`. */
function wireUsername(signature: string): Record<string, unknown> {
  const names = `x-amz-customauthorizer-name=signed&x-amz-customauthorizer-signature=${signature}`;
  return { ...SIGNED, authorizer: undefined, username: `login?${names}&x-token=${WITH_PLUS.value}` };
}

function base64url(signature: string): string {
  return Buffer.from(signature, "base64").toString("base64url");
}

function expiredJwt(): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const head = `good${part({ alg: "RS256" })}.${part({ sub: "device", exp: 1_700_000_000 })}`;
  return `${head}.${base64url(token(head).signature)}`;
}

const VERSIONS = [
  { label: "3.1.1", profile: V311 },
  { label: "5", profile: V5 },
];

/** What is wrong with the device's own bytes, and with how it connects. */
export const CREDENTIALS: readonly Scenario[] = [
  ...variants(
    {
      name: "ALPN is missing on port 443",
      rows: [1],
      profile: { tls: { alpn: [] } },
      verdict: "fail",
      cause: "ALPN_MISSING",
      evidence: PROVEN,
    },
    VERSIONS,
  ),
  {
    name: "another ALPN than mqtt",
    rows: [1],
    profile: { tls: { alpn: ["http/1.1"] } },
    verdict: "fail",
    cause: "ALPN_MISSING",
    evidence: PROVEN,
  },
  {
    name: "the ALPN of the certificate path",
    rows: [3],
    profile: { tls: { alpn: ["x-amzn-mqtt-ca"] } },
    verdict: "inconclusive",
    cause: "PORT_BYPASSES_AUTHORIZER",
  },
  ...variants(
    {
      name: "no SNI",
      rows: [4],
      profile: { tls: { serverName: "" } },
      verdict: "inconclusive",
      cause: "SNI_MISMATCH",
    },
    [
      { label: "alert", behaviours: { noSni: "alert" } },
      { label: "close", behaviours: { noSni: "close" } },
    ],
  ),
  {
    name: "SNI is an address",
    rows: [4],
    profile: { tls: { serverName: "127.0.0.1" } },
    verdict: "inconclusive",
    cause: "SNI_MISMATCH",
  },
  {
    name: "SNI is another account's endpoint",
    rows: [4],
    profile: { tls: { serverName: "other-ats.iot.eu-west-1.amazonaws.com" } },
    verdict: "inconclusive",
    cause: "SNI_MISMATCH",
  },
  {
    name: "a client certificate where none is expected",
    rows: [5],
    peer: "no-client-certificate",
    profile: { tls: { certFile: "client.pem", keyFile: "client.key" } },
    verdict: "fail",
    cause: "CLIENT_CERTIFICATE_UNEXPECTED",
    evidence: PROVEN,
  },
  ...variants(
    {
      name: "the signature in the user name is not URL-encoded",
      rows: [6],
      profile: wireUsername(WITH_PLUS.signature),
      verdict: "fail",
      cause: "SIGNATURE_URL_ENCODING",
      evidence: PROVEN,
    },
    [
      { label: "3.1.1", profile: V311, behaviours: { plusInUsername: "space" } },
      { label: "5", profile: V5, behaviours: { plusInUsername: "space" } },
      { label: "closed", behaviours: { plusInUsername: "space", refuseSignatureMqtt5: "close" } },
      { label: "bad user name", behaviours: { plusInUsername: "space", refuseSignatureMqtt5: 134 } },
    ],
  ),
  {
    name: "the signature in the user name is encoded twice",
    rows: [6],
    profile: wireUsername(encodeURIComponent(encodeURIComponent(WITH_PLUS.signature))),
    verdict: "fail",
    cause: "SIGNATURE_URL_ENCODING",
    evidence: PROVEN,
  },
  ...variants(
    {
      name: "the signature is base64url",
      rows: [7],
      profile: { ...SIGNED, token: { ...WITH_PLUS, signature: base64url(WITH_PLUS.signature) } },
      verdict: "fail",
      cause: "SIGNATURE_NOT_BASE64",
    },
    [...VERSIONS, { label: "closed", behaviours: { refuseSignatureMqtt5: "close" } }],
  ),
  ...variants(
    {
      name: "two question marks in the user name",
      rows: [8],
      profile: { authorizer: undefined, username: "login?x-amz-customauthorizer-name=passwords?SDK=JavaV2" },
      verdict: "fail",
      cause: "USERNAME_MALFORMED",
    },
    VERSIONS,
  ),
  ...variants(
    {
      name: "a client id over 128 bytes",
      rows: [22],
      profile: { clientId: "x".repeat(129) },
      verdict: "fail",
      cause: "CLIENT_ID_INVALID",
    },
    VERSIONS,
  ),
  {
    name: "a client id that the gateway had assigned",
    rows: [22],
    profile: { clientId: "$GEN/7b2f" },
    verdict: "fail",
    cause: "CLIENT_ID_INVALID",
  },
  ...variants(
    {
      name: "the token is signed with another key",
      rows: [],
      profile: { ...SIGNED, token: token("good", ROGUE_KEY) },
      verdict: "fail",
      cause: "SIGNATURE_INVALID",
    },
    [
      { label: "InvalidRequestException" },
      {
        label: "UnauthorizedException",
        behaviours: { testInvokeSignatureFailure: "UnauthorizedException" },
      },
      { label: "not authenticated", behaviours: { testInvokeSignatureFailure: "not-authenticated" } },
    ],
  ),
  ...variants(
    {
      name: "the token travels under another key",
      rows: [33],
      profile: { ...SIGNED, token: { ...token("good"), key: "X-Token" } },
      verdict: "fail",
      cause: "TOKEN_KEY_MISMATCH",
    },
    [...VERSIONS, { label: "closed", behaviours: { refuseSignatureMqtt5: "close" } }],
  ),
  {
    name: "the token has expired",
    rows: [],
    profile: { ...SIGNED, authorizer: "checks-expiry", token: { key: "x-token", jwt: expiredJwt() } },
    authorizer: {
      name: "checks-expiry",
      tokenKeyName: "x-token",
      publicKeyFiles: { fleet: "fleet.pub.pem" },
      handler: { table: [{ answer: { isAuthenticated: false } }] },
    },
    verdict: "fail",
    cause: "TOKEN_EXPIRED",
  },
  {
    name: "the legacy endpoint has no MQTT 5",
    rows: [29],
    domain: domainOf("legacy", { serverName: "legacy.iot.eu-west-1.amazonaws.com" }, { mqttVersion: 4 }),
    profile: { ...V5, clientId: "modern" },
    fault: { match: { clientId: "modern" }, kind: "close" },
    verdict: "fail",
    cause: "LEGACY_ENDPOINT",
  },
  {
    name: "a proxy drops the WebSocket subprotocol",
    rows: [34],
    peer: "no-subprotocol",
    profile: { protocol: "wss" },
    verdict: "inconclusive",
    cause: "SUBPROTOCOL_MISSING",
  },
  {
    name: "let in by client certificate, past the authorizer",
    rows: [36],
    profile: { tls: { certFile: "client.pem", keyFile: "client.key", alpn: ["x-amzn-mqtt-ca"] } },
    verdict: "inconclusive",
    cause: "PORT_BYPASSES_AUTHORIZER",
  },
  {
    name: "let in by client certificate although the authorizer says no",
    rows: [36],
    profile: {
      password: "wrong",
      tls: { certFile: "client.pem", keyFile: "client.key", alpn: ["x-amzn-mqtt-ca"] },
    },
    verdict: "fail",
    cause: "PORT_BYPASSES_AUTHORIZER",
  },
  {
    name: "a device that gets in though it must not",
    rows: [],
    profile: { expect: "deny" },
    verdict: "fail",
    cause: "UNEXPECTED_ACCEPT",
  },
];
