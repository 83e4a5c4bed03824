import type { CauseEntries } from "./entry.ts";

/** The network and the gateway. */
export const NETWORK_CAUSES: CauseEntries<"network"> = {
  DNS_FAILED: {
    meaning: "The endpoint's name could not be resolved.",
    evidence: "The resolver's error.",
    nextStep: "Check the endpoint's spelling and this machine's resolver.",
    rows: [],
    reading: "iot/latest/developerguide/iot-connect-devices.html",
  },
  TCP_REFUSED: {
    meaning: "No TCP connection to the gateway.",
    evidence: "The system's error.",
    nextStep: "Check port, firewall and route from here.",
    rows: [],
    reading: "iot/latest/developerguide/protocols.html",
  },
  TLS_FAILED: {
    meaning: "The TLS handshake failed.",
    evidence: "The TLS alert or error; or that ALPN `mqtt` was offered and none was agreed on.",
    nextStep: "Compare TLS versions, ALPN and SNI with the endpoint's TLS policy; look for a TLS proxy.",
    rows: [28, 40],
    reading: "iot/latest/developerguide/transport-security.html",
  },
  GATEWAY_TIMEOUT: {
    meaning: "The gateway did not answer in time.",
    evidence: "What was being waited for when the time was over.",
    nextStep: "Repeat; if it stays, look at the network path and the authorizer's duration.",
    rows: [],
    reading: "iot/latest/developerguide/diagnosing-connectivity-issues.html",
  },
  GATEWAY_RESET: {
    meaning: "The connection was cut before an answer.",
    evidence: "When the connection was cut.",
    nextStep: "Repeat; if it stays, look at the network path and the AWS health dashboard.",
    rows: [],
    reading: "iot/latest/developerguide/diagnosing-connectivity-issues.html",
  },
  GATEWAY_UNAVAILABLE: {
    meaning: "The gateway answered that it is not available.",
    evidence: "The CONNACK code or HTTP status.",
    nextStep: "Look at the AWS health dashboard and repeat.",
    rows: [],
    reading: "iot/latest/developerguide/diagnosing-connectivity-issues.html",
  },
  GATEWAY_THROTTLED: {
    meaning: "The gateway throttled the connection.",
    evidence: "The CONNACK code or HTTP status.",
    nextStep: "Lower connectsPerSecond, or see what else connects in this account.",
    rows: [21],
    reading: "general/latest/gr/iot-core.html",
  },
  GATEWAY_PROTOCOL_VIOLATION: {
    meaning: "The peer does not speak the protocol.",
    evidence: "What the peer sent that the protocol does not allow.",
    nextStep: "Check that endpoint and port are the device gateway's; look for a proxy.",
    rows: [],
    reading: "iot/latest/developerguide/protocols.html",
  },
  GATEWAY_CLOSED_UNCONFIRMED: {
    meaning: "The gateway hung up without an answer, and nothing else showed that it was working.",
    evidence: "That the gateway closed, and what it said if anything.",
    nextStep: "Add a profile that is known to get in, so that a refusal can be told from an outage.",
    rows: [],
    reading: "iot/latest/developerguide/diagnosing-connectivity-issues.html",
  },
  GATEWAY_REFUSED_UNEXPLAINED: {
    meaning: "The gateway refused the device although authorizer and policy permit it.",
    evidence: "The CONNACK code, HTTP status or close.",
    nextStep:
      "Look for this client id in the authorizer's log and in AWSIotLogsV2: Connect events, and Connection.AuthNError, which are off until SetV2LoggingOptions turns them on.",
    rows: [],
    reading: "iot/latest/developerguide/cwl-format.html",
  },
};
