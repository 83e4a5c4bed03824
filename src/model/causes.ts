/** Whose fault a cause is; the order is the order in which causes are explained. */
export const FAULTS = [
  "device",
  "connection",
  "authorizer",
  "policy",
  "domain",
  "network",
  "caller",
  "guard",
  "tester",
] as const;
export type Fault = (typeof FAULTS)[number];

/** The closed list of cause codes (design 6.9), by whose fault each is. */
export const CAUSE_CODES = {
  device: [
    "SIGNATURE_NOT_BASE64",
    "SIGNATURE_URL_ENCODING",
    "SIGNATURE_INVALID",
    "TOKEN_KEY_MISMATCH",
    "TOKEN_EXPIRED",
    "USERNAME_MALFORMED",
    "CLIENT_ID_INVALID",
    "CREDENTIAL_REJECTED",
    "CLIENT_CERTIFICATE_UNEXPECTED",
    "CREDENTIAL_UNAVAILABLE",
    "PROFILE_INVALID",
  ],
  connection: [
    "ALPN_MISSING",
    "ALPN_FORCED_ON_WSS",
    "PORT_BYPASSES_AUTHORIZER",
    "SNI_MISMATCH",
    "SUBPROTOCOL_MISSING",
    "LEGACY_ENDPOINT",
  ],
  authorizer: [
    "AUTHORIZER_NOT_FOUND",
    "AUTHORIZER_INACTIVE",
    "AUTHORIZER_TIMEOUT",
    "AUTHORIZER_ERROR",
    "AUTHORIZER_PERMISSION_MISSING",
    "AUTHORIZER_RESPONSE_INVALID",
    "PRINCIPAL_ID_INVALID",
    "POLICY_DOCUMENT_LIMIT",
    "REFRESH_OR_DISCONNECT_RANGE",
    "AUTHORIZER_DENIED_EXPECTED_ALLOW",
    "AUTHORIZER_ALLOWED_EXPECTED_DENY",
    "AUTHORIZER_GATEWAY_DISAGREE",
    "UNEXPECTED_ACCEPT",
    "EXPECTATION_MISMATCH",
  ],
  policy: [
    "POLICY_CONNECT_DENIED",
    "POLICY_PUBLISH_DENIED",
    "POLICY_SUBSCRIBE_DENIED",
    "POLICY_RECEIVE_DENIED",
    "POLICY_TOO_OPEN",
    "POLICY_WILL_OR_SESSION",
    "POLICY_CONDITION",
    "POLICY_UNDECIDABLE",
    "TOPIC_UNPROVEN",
  ],
  domain: [
    "DOMAIN_DISABLED",
    "DOMAIN_PROTOCOL_MISMATCH",
    "AUTHORIZER_OVERRIDE_DISALLOWED",
    "SERVER_CERTIFICATE_EXPIRED",
    "SERVER_CERTIFICATE_UNTRUSTED",
    "SERVER_CERTIFICATE_NAME",
  ],
  network: [
    "DNS_FAILED",
    "TCP_REFUSED",
    "TLS_FAILED",
    "GATEWAY_TIMEOUT",
    "GATEWAY_RESET",
    "GATEWAY_UNAVAILABLE",
    "GATEWAY_THROTTLED",
    "GATEWAY_PROTOCOL_VIOLATION",
    "GATEWAY_CLOSED_UNCONFIRMED",
    "GATEWAY_REFUSED_UNEXPLAINED",
  ],
  caller: [
    "CALLER_PERMISSION_MISSING",
    "CALLER_CREDENTIALS_INVALID",
    "CALLER_CLOCK_SKEW",
    "API_THROTTLED",
    "API_UNAVAILABLE",
    "API_TIMEOUT",
    "API_UNREACHABLE",
  ],
  guard: ["DEVICE_IDENTITY_GUARDED", "CLIENT_ID_IN_USE", "SESSION_TAKEN_OVER", "PAUSED"],
  tester: ["TESTER_ERROR", "TESTER_OVERLOADED", "DEADLINE_EXCEEDED", "INTERRUPTED"],
} as const satisfies Record<Fault, readonly string[]>;

export type CauseCode = (typeof CAUSE_CODES)[Fault][number];

/** A cause named for one check. `evidence` is scrubbed and at most 500 characters. */
export interface Cause {
  readonly code: CauseCode;
  readonly evidence: string;
  readonly nextStep: string;
}
