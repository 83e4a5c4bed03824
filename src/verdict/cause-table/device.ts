import type { CauseEntries } from "./entry.ts";

/** The device's own credentials. */
export const DEVICE_CAUSES: CauseEntries<"device"> = {
  SIGNATURE_NOT_BASE64: {
    meaning: "The token's signature is not plain padded base64.",
    evidence: "What is odd about the characters of token.signature, without quoting it.",
    nextStep: "Encode the signature as standard base64 with padding, on one line; a JWT's is base64url.",
    rows: [7],
    reading: "iot/latest/developerguide/custom-auth.html",
  },
  SIGNATURE_URL_ENCODING: {
    meaning: "In the username or query string the signature is not URL-encoded, or encoded twice.",
    evidence:
      "Where it is written (user name or query string) and how; proven by a second attempt with the signature encoded once.",
    nextStep: "URL-encode the base64 signature exactly once where it travels in a username or query string.",
    rows: [6],
    reading: "iot/latest/developerguide/custom-auth.html",
  },
  SIGNATURE_INVALID: {
    meaning: "The token's signature was refused before the authorizer was called.",
    evidence: "TestInvokeAuthorizer's refusal, or the local verification with the authorizer's public keys.",
    nextStep:
      "Sign the token with a private key whose public half the authorizer lists, RSA SHA-256 PKCS#1 v1.5.",
    rows: [],
    reading: "iot/latest/developerguide/custom-auth.html",
  },
  TOKEN_KEY_MISMATCH: {
    meaning: "The token travels under another key than the authorizer's tokenKeyName.",
    evidence: "tokenKeyName as DescribeAuthorizer shows it, beside the key that is sent.",
    nextStep: "Send the token under the key that DescribeAuthorizer shows as tokenKeyName.",
    rows: [33],
    reading: "iot/latest/apireference/API_DescribeAuthorizer.html",
  },
  TOKEN_EXPIRED: {
    meaning: "The token's own expiry time has passed.",
    evidence: "The expiry time (`exp`) of the JWT.",
    nextStep: "Give the device a fresh token, or check its clock and the issuer's lifetime.",
    rows: [],
    reading: "iot/latest/developerguide/custom-auth.html",
  },
  USERNAME_MALFORMED: {
    meaning: "The MQTT username cannot be split into name and parameters.",
    evidence: "The number of question marks in the user name.",
    nextStep: "Use one '?' and join the parameters with '&'; look for an SDK that appends its own.",
    rows: [8],
    reading: "iot/latest/developerguide/custom-auth.html",
  },
  CLIENT_ID_INVALID: {
    meaning: "The gateway does not take this client id.",
    evidence: "The length in bytes, the prefix, or the CONNACK code that says so.",
    nextStep: "Use at most 128 bytes of UTF-8 and no id the gateway assigned ($GEN/…).",
    rows: [22],
    reading: "general/latest/gr/iot-core.html",
  },
  CREDENTIAL_REJECTED: {
    meaning: "User name, password or token were rejected.",
    evidence: "A CONNACK code for a bad user name or password, or the API's refusal of the request.",
    nextStep: "Compare the device's credentials with what the authorizer expects.",
    rows: [],
    reading: "iot/latest/developerguide/custom-auth-troubleshooting.html",
  },
  CLIENT_CERTIFICATE_UNEXPECTED: {
    meaning: "A client certificate was sent where the endpoint does not expect one.",
    evidence:
      "The handshake or the connection ended once the certificate had been sent; proven by a second attempt without it.",
    nextStep: "Remove the certificate from the device, or use a CUSTOM_AUTH_X509 domain.",
    rows: [5],
    reading: "iot/latest/developerguide/protocols.html",
  },
  CREDENTIAL_UNAVAILABLE: {
    meaning: "The profile's credentials could not be read when the check ran.",
    evidence: "Which file, variable or command could not be read.",
    nextStep: "Restore the file, variable or command that the evidence names; the device was not tested.",
    rows: [],
    reading: null,
  },
  PROFILE_INVALID: {
    meaning: "The profile cannot be turned into a connection.",
    evidence: "The field, and what is wrong with it.",
    nextStep: "Correct the field that the evidence names.",
    rows: [],
    reading: null,
  },
};
