import type { CauseCode } from "../../src/model/causes.ts";

/** A root cause that keeps devices out, as users of AWS IoT Core custom authentication report it. */
export interface CatalogueRow {
  readonly row: number;
  readonly what: string;
  /** What fleet-smoke names it; empty: a prober cannot see it. */
  readonly codes: readonly CauseCode[];
  /** Where to look, where the code does not say all. */
  readonly look: string | null;
}

const ROWS: readonly Omit<CatalogueRow, "row">[] = [
  {
    what: "ALPN `mqtt` is missing on port 443: hang-up, and the function's log stays empty",
    codes: ["ALPN_MISSING"],
    look: null,
  },
  {
    what: "ALPN `mqtt` is forced on WebSocket: the upgrade fails or is dropped",
    codes: ["ALPN_FORCED_ON_WSS"],
    look: "Not seen by a prober, which sends no ALPN over WebSocket: if the check passes and the device fails, look at the ALPN list of the device's TLS settings.",
  },
  {
    what: "Port 8883 or 8443, or the ALPN of the certificate path",
    codes: ["PORT_BYPASSES_AUTHORIZER"],
    look: null,
  },
  {
    what: "SNI is missing, an address, or another account's or Region's endpoint",
    codes: ["SNI_MISMATCH"],
    look: null,
  },
  {
    what: "A client certificate is sent with ALPN `mqtt`: TLS fails",
    codes: ["CLIENT_CERTIFICATE_UNEXPECTED"],
    look: null,
  },
  {
    what: "The signature in the user name is not URL-encoded, or twice",
    codes: ["SIGNATURE_URL_ENCODING"],
    look: null,
  },
  {
    what: "The signature is base64url or holds line breaks",
    codes: ["SIGNATURE_NOT_BASE64"],
    look: null,
  },
  {
    what: "Two `?` in the user name, for example from an SDK that appends its own metrics",
    codes: ["USERNAME_MALFORMED"],
    look: "A profile has to hold the user name as it is on the wire; what an SDK appends by itself is not known to it.",
  },
  {
    what: "`principalId` is not alphanumeric, or over 128 characters",
    codes: ["PRINCIPAL_ID_INVALID"],
    look: null,
  },
  {
    what: "The policy lacks iot:Connect for this client id",
    codes: ["POLICY_CONNECT_DENIED"],
    look: null,
  },
  {
    what: "The function always says true, with a document that denies",
    codes: ["POLICY_CONNECT_DENIED", "POLICY_PUBLISH_DENIED"],
    look: null,
  },
  {
    what: "Connects, and is dropped right after SUBSCRIBE or PUBLISH: the policy lacks that",
    codes: ["POLICY_SUBSCRIBE_DENIED", "POLICY_PUBLISH_DENIED", "POLICY_RECEIVE_DENIED"],
    look: "List the device's topics in `expect.publish`, `expect.subscribe` and `expect.receive`: only listed topics are tried.",
  },
  {
    what: "test-invoke-authorizer says no and the device gets in: a context was left out of the call",
    codes: [],
    look: "fleet-smoke always sends all three contexts. In a call made by hand, pass `--mqtt-context`, `--http-context` and `--tls-context`; without them the event has no `protocolData`.",
  },
  {
    what: "The function runs over 5 s, starts cold, throws or is throttled; devices fail now and then",
    codes: ["AUTHORIZER_TIMEOUT", "AUTHORIZER_ERROR", "AUTHORIZER_RESPONSE_INVALID"],
    look: "What happens now and then: `fleet_smoke_authorizer_duration_seconds`, and the function's Duration, Throttles, Errors and ConcurrentExecutions.",
  },
  {
    what: "AWS IoT may not invoke the function: no resource policy, wrong SourceArn or wrong alias",
    codes: ["AUTHORIZER_PERMISSION_MISSING", "AUTHORIZER_RESPONSE_INVALID"],
    look: "`aws lambda get-policy` on the very alias or version of authorizerFunctionArn: principal iot.amazonaws.com, SourceArn the authorizer's ARN.",
  },
  {
    what: "No such authorizer here, an inactive one, or no default",
    codes: ["AUTHORIZER_NOT_FOUND", "AUTHORIZER_INACTIVE"],
    look: null,
  },
  {
    what: "The domain does not let devices name an authorizer, or another default answers",
    codes: ["AUTHORIZER_OVERRIDE_DISALLOWED"],
    look: null,
  },
  {
    what: "The domain does not offer this protocol or kind of authentication",
    codes: ["DOMAIN_PROTOCOL_MISMATCH"],
    look: null,
  },
  {
    what: "The domain is disabled, or its certificate is not valid",
    codes: ["DOMAIN_DISABLED"],
    look: "Two AWS pages disagree on whether the default endpoint takes custom authorizers: if only that one fails, try a domain configuration.",
  },
  {
    what: "Two clients share a client id and throw each other out",
    codes: ["CLIENT_ID_IN_USE", "SESSION_TAKEN_OVER", "DEVICE_IDENTITY_GUARDED"],
    look: "Two devices of the fleet with one id: presence events with reason DUPLICATE_CLIENTID.",
  },
  {
    what: "More than one CONNECT a second for a client id, or too many for the account",
    codes: ["GATEWAY_THROTTLED"],
    look: "fleet-smoke keeps to one a second. For the devices' own: metrics Connect.ClientIDThrottle and Connect.Throttle.",
  },
  {
    what: "The client id is over 128 bytes, or one that the gateway had assigned (`$GEN/…`)",
    codes: ["CLIENT_ID_INVALID"],
    look: null,
  },
  {
    what: "Over 10 policy documents, or one over 2048 characters",
    codes: ["POLICY_DOCUMENT_LIMIT"],
    look: null,
  },
  {
    what: "A refresh or disconnect time outside 300 to 86,400 s",
    codes: ["REFRESH_OR_DISCONNECT_RANGE"],
    look: "A gateway that takes such an answer drops the device later; then only `expect.refreshAfterSeconds` and `expect.disconnectAfterSeconds` find it.",
  },
  {
    what: "Dropped after hours, by design: `disconnectAfterInSeconds`, or 24 h of a WebSocket",
    codes: [],
    look: "A probe leaves at once. Disconnect reasons CUSTOMAUTH_TTL_EXPIRATION and WEBSOCKET_TTL_EXPIRATION in presence events or GetConnection; compare with `disconnectAfterSeconds` of the result.",
  },
  {
    what: "Refused only with a last will or a persistent session",
    codes: ["POLICY_WILL_OR_SESSION"],
    look: null,
  },
  {
    what: "The function compares the user name with its `?…` suffix, or the password in base64",
    codes: ["AUTHORIZER_DENIED_EXPECTED_ALLOW"],
    look: "TestInvokeAuthorizer called by hand with the bare user name passes. Log the event: `protocolData.mqtt.username` and `.password`.",
  },
  {
    what: "Wrong root for the endpoint, a TLS policy too strict, or a proxy that looks into TLS",
    codes: [
      "SERVER_CERTIFICATE_UNTRUSTED",
      "SERVER_CERTIFICATE_NAME",
      "SERVER_CERTIFICATE_EXPIRED",
      "TLS_FAILED",
    ],
    look: "Give the target the roots that the devices hold (`caFile`), and their TLS versions and groups (`tls`); else this machine's are tested.",
  },
  { what: "MQTT 5 against the legacy endpoint", codes: ["LEGACY_ENDPOINT"], look: null },
  {
    what: "TestInvokeAuthorizer is throttled: 10 calls a second for the account",
    codes: ["API_THROTTLED"],
    look: null,
  },
  {
    what: "A condition on address, domain or VPC is not met on this network",
    codes: ["POLICY_CONDITION"],
    look: "fleet-smoke tests from where it runs: a device elsewhere can meet the condition, or fail it.",
  },
  {
    what: "Dropped at the refresh: the function then returns less, or the token has expired",
    codes: [],
    look: "A probe leaves before. Let a test client stay past `refreshAfterInSeconds`; the function's log at that time; presence events.",
  },
  {
    what: "The token travels under another key than tokenKeyName, or percent-encoded",
    codes: ["TOKEN_KEY_MISMATCH", "SIGNATURE_INVALID"],
    look: null,
  },
  {
    what: "Sec-WebSocket-Protocol `mqtt` is missing or not echoed",
    codes: ["SUBPROTOCOL_MISSING"],
    look: "A device that does not send it: its WebSocket library's settings; fleet-smoke always does.",
  },
  {
    what: "Dropped at a publish over 128 KB",
    codes: [],
    look: "A probe's payload is small. The size of the device's largest message; disconnect reason CLIENT_ERROR.",
  },
  {
    what: "Works although the authorizer is broken: the certificate path or SigV4 is used",
    codes: ["PORT_BYPASSES_AUTHORIZER"],
    look: "SigV4 is never used here. On a device: does the function's Invocations metric rise when it connects?",
  },
  {
    what: "A policy change is not seen: an answer cached on a persistent HTTPS connection, or not yet refreshed",
    codes: [],
    look: "Every check makes a new connection. enableCachingForHttp of the authorizer; reconnect the device.",
  },
  {
    what: "fleet-smoke's own call fails: permission, clock or credentials",
    codes: ["CALLER_PERMISSION_MISSING", "CALLER_CREDENTIALS_INVALID", "CALLER_CLOCK_SKEW"],
    look: null,
  },
  {
    what: "Dropped when idle: keep-alive of 0 or over 1200 s, or a NAT that forgets",
    codes: [],
    look: "A probe is not idle. The device's keep-alive against the NAT's time; disconnect reason MQTT_KEEP_ALIVE_TIMEOUT.",
  },
  {
    what: "A middlebox on port 443 strips ALPN or ends TLS",
    codes: ["TLS_FAILED", "SERVER_CERTIFICATE_UNTRUSTED"],
    look: "One whose certificate this machine trusts shows only in the issuer: `openssl s_client -connect ENDPOINT:443 -alpn mqtt`; AWS's is Amazon.",
  },
];

/** The rows by their numbers, from 1. */
export const CATALOGUE: readonly CatalogueRow[] = ROWS.map((each, index) => ({ row: index + 1, ...each }));
