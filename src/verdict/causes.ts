import type { CauseCode } from "../model/causes.ts";

/** What a cause means and what to do about it. The one place where causes are described. */
export interface CauseEntry {
  readonly meaning: string;
  readonly nextStep: string;
}

export const CAUSES: Readonly<Record<CauseCode, CauseEntry>> = {
  SIGNATURE_NOT_BASE64: {
    meaning: "The token's signature is not plain padded base64.",
    nextStep: "Encode the signature as standard base64 with padding, on one line; a JWT's is base64url.",
  },
  SIGNATURE_URL_ENCODING: {
    meaning: "In the username or query string the signature is not URL-encoded, or encoded twice.",
    nextStep: "URL-encode the base64 signature exactly once where it travels in a username or query string.",
  },
  SIGNATURE_INVALID: {
    meaning: "The token's signature was refused before the authorizer was called.",
    nextStep:
      "Sign the token with a private key whose public half the authorizer lists, RSA SHA-256 PKCS#1 v1.5.",
  },
  TOKEN_KEY_MISMATCH: {
    meaning: "The token travels under another key than the authorizer's tokenKeyName.",
    nextStep: "Send the token under the key that DescribeAuthorizer shows as tokenKeyName.",
  },
  TOKEN_EXPIRED: {
    meaning: "The token's own expiry time has passed.",
    nextStep: "Give the device a fresh token, or check its clock and the issuer's lifetime.",
  },
  USERNAME_MALFORMED: {
    meaning: "The MQTT username cannot be split into name and parameters.",
    nextStep: "Use one '?' and join the parameters with '&'; look for an SDK that appends its own.",
  },
  CLIENT_ID_INVALID: {
    meaning: "The gateway does not take this client id.",
    nextStep: "Use at most 128 bytes of UTF-8 and no id the gateway assigned ($GEN/…).",
  },
  CREDENTIAL_REJECTED: {
    meaning: "User name, password or token were rejected.",
    nextStep: "Compare the device's credentials with what the authorizer expects.",
  },
  CLIENT_CERTIFICATE_UNEXPECTED: {
    meaning: "A client certificate was sent where the endpoint does not expect one.",
    nextStep: "Remove the certificate from the device, or use a CUSTOM_AUTH_X509 domain.",
  },
  CREDENTIAL_UNAVAILABLE: {
    meaning: "The profile's credentials could not be read when the check ran.",
    nextStep: "Restore the file, variable or command that the evidence names; the device was not tested.",
  },
  PROFILE_INVALID: {
    meaning: "The profile cannot be turned into a connection.",
    nextStep: "Correct the field that the evidence names.",
  },
  ALPN_MISSING: {
    meaning: "MQTT with custom authentication on port 443 needs the ALPN protocol `mqtt`.",
    nextStep: "Make the device offer ALPN `mqtt` (tls.alpn).",
  },
  ALPN_FORCED_ON_WSS: {
    meaning: "ALPN `mqtt` was forced on a WebSocket connection.",
    nextStep: "Send no ALPN with MQTT over WebSocket.",
  },
  PORT_BYPASSES_AUTHORIZER: {
    meaning: "This port or ALPN protocol is the certificate path: the authorizer is never asked.",
    nextStep: "Use port 443, with ALPN `mqtt` for MQTT and none for WebSocket and HTTPS.",
  },
  SNI_MISMATCH: {
    meaning: "The TLS server name is missing or is not this account's endpoint.",
    nextStep: "Send the endpoint that DescribeEndpoint shows, or the custom domain's name, as SNI.",
  },
  SUBPROTOCOL_MISSING: {
    meaning: "The WebSocket upgrade did not agree on the subprotocol `mqtt`.",
    nextStep: "Look for a proxy between device and gateway that drops Sec-WebSocket-Protocol.",
  },
  LEGACY_ENDPOINT: {
    meaning: "The endpoint is the legacy one, which has no MQTT 5.",
    nextStep: "Use the iot:Data-ATS endpoint (its name holds `-ats`).",
  },
  AUTHORIZER_NOT_FOUND: {
    meaning: "The authorizer does not exist in this account and Region, or none applies.",
    nextStep:
      "Check the name, the account and the Region, and the domain's and the account's default authorizer.",
  },
  AUTHORIZER_INACTIVE: {
    meaning: "The authorizer is INACTIVE.",
    nextStep: "Activate it with UpdateAuthorizer.",
  },
  AUTHORIZER_TIMEOUT: {
    meaning: "The authorizer's Lambda did not answer within 5 seconds.",
    nextStep: "Look at the function's Duration and cold starts.",
  },
  AUTHORIZER_ERROR: {
    meaning: "The authorizer's Lambda failed.",
    nextStep: "Look at the function's log, errors and throttles.",
  },
  AUTHORIZER_PERMISSION_MISSING: {
    meaning: "AWS IoT may not invoke the authorizer's Lambda.",
    nextStep:
      "Grant lambda:InvokeFunction to iot.amazonaws.com for the authorizer's ARN, on the alias it uses.",
  },
  AUTHORIZER_RESPONSE_INVALID: {
    meaning: "The authorizer's answer cannot be used.",
    nextStep: "Compare the function's return value with the documented response fields and limits.",
  },
  PRINCIPAL_ID_INVALID: {
    meaning: "principalId is not 1 to 128 ASCII letters and digits.",
    nextStep: "Return a principalId without dashes, dots or '@'.",
  },
  POLICY_DOCUMENT_LIMIT: {
    meaning: "The authorizer returns more than 10 policy documents, or one over 2048 characters.",
    nextStep: "Merge or shorten the documents; policy variables help.",
  },
  REFRESH_OR_DISCONNECT_RANGE: {
    meaning: "A refresh or disconnect time lies outside 300 to 86,400 seconds.",
    nextStep: "Return values inside that range.",
  },
  AUTHORIZER_DENIED_EXPECTED_ALLOW: {
    meaning: "The authorizer says no to a device that should get in.",
    nextStep: "Look at the authorizer's log for this device: credentials, user store and code.",
  },
  AUTHORIZER_ALLOWED_EXPECTED_DENY: {
    meaning: "The authorizer says yes to a device that should be kept out.",
    nextStep: "Look at the authorizer's code: it accepts a credential that it should refuse.",
  },
  AUTHORIZER_GATEWAY_DISAGREE: {
    meaning: "The gateway let the device in although TestInvokeAuthorizer said no.",
    nextStep:
      "Compare account, Region and authorizer of both; look for data the authorizer gets only from one.",
  },
  UNEXPECTED_ACCEPT: {
    meaning: "The gateway let in a device that must be kept out.",
    nextStep: "Stop the rollout: the authorizer or its policy admits credentials that it should refuse.",
  },
  EXPECTATION_MISMATCH: {
    meaning: "The authorizer's answer differs from what the profile expects.",
    nextStep: "Compare principalId and the refresh and disconnect times with the profile's `expect`.",
  },
  POLICY_CONNECT_DENIED: {
    meaning: "The returned policy does not let this client id connect.",
    nextStep: "Allow iot:Connect on client/<this client id>, and remove the statement that denies it.",
  },
  POLICY_PUBLISH_DENIED: {
    meaning: "The returned policy does not permit the publish.",
    nextStep: "Allow iot:Publish on topic/<topic>.",
  },
  POLICY_SUBSCRIBE_DENIED: {
    meaning: "The returned policy does not permit the subscription.",
    nextStep: "Allow iot:Subscribe on topicfilter/<filter>; it is topicfilter/, not topic/.",
  },
  POLICY_RECEIVE_DENIED: {
    meaning: "The returned policy does not permit the delivery.",
    nextStep: "Allow iot:Receive on topic/<topic>.",
  },
  POLICY_TOO_OPEN: {
    meaning: "The returned policy permits what should be forbidden.",
    nextStep: "Narrow the resources of the statement that the evidence names.",
  },
  POLICY_WILL_OR_SESSION: {
    meaning: "The policy refuses the last will or the persistent session of this connection.",
    nextStep: "Allow iot:Publish on the will's topic and the connect attributes the device uses.",
  },
  POLICY_CONDITION: {
    meaning: "A condition of the policy is not met from here.",
    nextStep: "Compare source address, domain name and VPC with the condition.",
  },
  POLICY_UNDECIDABLE: {
    meaning: "The policy cannot be evaluated locally.",
    nextStep: "Look at the element that the evidence names and decide by hand.",
  },
  DOMAIN_DISABLED: {
    meaning: "The domain configuration is DISABLED.",
    nextStep: "Enable it with UpdateDomainConfiguration.",
  },
  DOMAIN_PROTOCOL_MISMATCH: {
    meaning: "The domain configuration does not offer this protocol or kind of authentication.",
    nextStep: "Compare its applicationProtocol and authenticationType with the device's protocol.",
  },
  AUTHORIZER_OVERRIDE_DISALLOWED: {
    meaning: "The domain does not let a device name another authorizer than its default.",
    nextStep: "Name the default authorizer, or allow the override.",
  },
  SERVER_CERTIFICATE_EXPIRED: {
    meaning: "The gateway's certificate has expired or is not valid yet.",
    nextStep: "Renew the domain's certificate, or check this machine's clock.",
  },
  SERVER_CERTIFICATE_UNTRUSTED: {
    meaning: "The gateway's certificate does not lead to a trusted root.",
    nextStep:
      "Compare the root the devices hold with the one that issued the certificate; look for a TLS proxy.",
  },
  SERVER_CERTIFICATE_NAME: {
    meaning: "The gateway's certificate is for another host name.",
    nextStep: "Connect to the name the certificate holds, or correct the domain's certificate.",
  },
  DNS_FAILED: {
    meaning: "The endpoint's name could not be resolved.",
    nextStep: "Check the endpoint's spelling and this machine's resolver.",
  },
  TCP_REFUSED: {
    meaning: "No TCP connection to the gateway.",
    nextStep: "Check port, firewall and route from here.",
  },
  TLS_FAILED: {
    meaning: "The TLS handshake failed.",
    nextStep: "Compare TLS versions, ALPN and SNI with the endpoint's TLS policy; look for a TLS proxy.",
  },
  GATEWAY_TIMEOUT: {
    meaning: "The gateway did not answer in time.",
    nextStep: "Repeat; if it stays, look at the network path and the authorizer's duration.",
  },
  GATEWAY_RESET: {
    meaning: "The connection was cut before an answer.",
    nextStep: "Repeat; if it stays, look at the network path and the AWS health dashboard.",
  },
  GATEWAY_UNAVAILABLE: {
    meaning: "The gateway answered that it is not available.",
    nextStep: "Look at the AWS health dashboard and repeat.",
  },
  GATEWAY_THROTTLED: {
    meaning: "The gateway throttled the connection.",
    nextStep: "Lower connectsPerSecond, or see what else connects in this account.",
  },
  GATEWAY_PROTOCOL_VIOLATION: {
    meaning: "The peer does not speak the protocol.",
    nextStep: "Check that endpoint and port are the device gateway's; look for a proxy.",
  },
  GATEWAY_CLOSED_UNCONFIRMED: {
    meaning: "The gateway hung up without an answer, and nothing else showed that it was working.",
    nextStep: "Add a profile that is known to get in, so that a refusal can be told from an outage.",
  },
  GATEWAY_REFUSED_UNEXPLAINED: {
    meaning: "The gateway refused the device although authorizer and policy permit it.",
    nextStep: "Look at AWSIotLogsV2 (Connect, Connection.AuthNError) for this client id.",
  },
  CALLER_PERMISSION_MISSING: {
    meaning: "fleet-smoke's own AWS identity may not make this call.",
    nextStep: "Grant the permission that the evidence names to the role fleet-smoke runs with.",
  },
  CALLER_CREDENTIALS_INVALID: {
    meaning: "fleet-smoke's own AWS credentials are missing, wrong or expired.",
    nextStep: "Check the credential chain of the process: variables, profile, role.",
  },
  CALLER_CLOCK_SKEW: {
    meaning: "This machine's clock is too far off for AWS to accept its signatures.",
    nextStep: "Synchronize the clock.",
  },
  API_THROTTLED: {
    meaning: "AWS throttled TestInvokeAuthorizer until the check's time was over.",
    nextStep: "Lower invokesPerSecond: the account's 10 calls a second are shared with everybody in it.",
  },
  API_UNAVAILABLE: {
    meaning: "The AWS API answered with an error of its own.",
    nextStep: "Repeat; look at the AWS health dashboard.",
  },
  API_TIMEOUT: {
    meaning: "The AWS API did not answer in time.",
    nextStep: "Repeat; check the authorizer's duration and the network to the API.",
  },
  API_UNREACHABLE: {
    meaning: "The AWS API could not be reached.",
    nextStep: "Check Region, controlPlaneEndpoint, proxy and network.",
  },
  DEVICE_IDENTITY_GUARDED: {
    meaning: "A live device may use this client id, so no gateway connection was made.",
    nextStep: "Give the fleet dedicated test identities, or lift the guard for a few devices.",
  },
  CLIENT_ID_IN_USE: {
    meaning: "Something else is connected with this client id.",
    nextStep: "Use a client id that only fleet-smoke uses.",
  },
  SESSION_TAKEN_OVER: {
    meaning: "Another client took the session over while it was tested.",
    nextStep: "Find who else uses this client id; a dedicated identity belongs to nobody else.",
  },
  PAUSED: {
    meaning: "fleet-smoke was paused.",
    nextStep: "Resume it and run again.",
  },
  TESTER_ERROR: {
    meaning: "fleet-smoke itself failed.",
    nextStep: "Read its log and report the error.",
  },
  TESTER_OVERLOADED: {
    meaning: "fleet-smoke was too busy for its measurement to count.",
    nextStep: "Lower the concurrency or give it more processor.",
  },
  DEADLINE_EXCEEDED: {
    meaning: "The run's time was over before this check.",
    nextStep: "Raise the deadline or the budgets, or test a sample.",
  },
  INTERRUPTED: {
    meaning: "The run was interrupted before this check was done.",
    nextStep: "Run again.",
  },
};
