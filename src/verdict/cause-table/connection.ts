import type { CauseEntries } from "./entry.ts";

/** How the device connects. */
export const CONNECTION_CAUSES: CauseEntries<"connection"> = {
  ALPN_MISSING: {
    meaning: "MQTT with custom authentication on port 443 needs the ALPN protocol `mqtt`.",
    evidence:
      "The ALPN protocols that were offered, and a connection that ended without an answer; proven by a second attempt with `mqtt`.",
    nextStep: "Make the device offer ALPN `mqtt` (tls.alpn).",
    rows: [1],
    reading: "iot/latest/developerguide/protocols.html",
  },
  ALPN_FORCED_ON_WSS: {
    meaning: "ALPN `mqtt` was forced on a WebSocket connection.",
    evidence:
      "None from a check: fleet-smoke sends no ALPN over WebSocket, whatever the profile says. The code is for what is found by hand.",
    nextStep: "Send no ALPN with MQTT over WebSocket.",
    rows: [2],
    reading: "iot/latest/developerguide/protocols.html",
  },
  PORT_BYPASSES_AUTHORIZER: {
    meaning: "This port or ALPN protocol is for client certificates: the authorizer is never asked.",
    evidence:
      "The port or the ALPN protocol of the certificate path. A device that got in that way is inconclusive: its authorizer was not asked.",
    nextStep: "Use port 443, with ALPN `mqtt` for MQTT and none for WebSocket and HTTPS.",
    rows: [3, 36],
    reading: "iot/latest/developerguide/protocols.html",
  },
  SNI_MISMATCH: {
    meaning: "The TLS server name is missing or is not this account's endpoint.",
    evidence:
      "The SNI that was sent beside the endpoint's name and the account's own; proven by a second attempt with the endpoint as SNI.",
    nextStep: "Send the endpoint that DescribeEndpoint shows, or the custom domain's name, as SNI.",
    rows: [4],
    reading: "iot/latest/developerguide/custom-auth-troubleshooting.html",
  },
  SUBPROTOCOL_MISSING: {
    meaning: "The WebSocket upgrade did not agree on the subprotocol `mqtt`.",
    evidence: "An upgrade that was answered without Sec-WebSocket-Protocol.",
    nextStep: "Look for a proxy between device and gateway that drops Sec-WebSocket-Protocol.",
    rows: [34],
    reading: "iot/latest/developerguide/mqtt.html",
  },
  LEGACY_ENDPOINT: {
    meaning: "The endpoint is the legacy one, which has no MQTT 5.",
    evidence: "The endpoint's name, which lacks `-ats`, and an MQTT 5 device that was refused.",
    nextStep: "Use the iot:Data-ATS endpoint (its name holds `-ats`).",
    rows: [29],
    reading: "iot/latest/developerguide/mqtt.html",
  },
};
