import {
  CERTIFICATE_ALPN,
  MAX_CLIENT_ID_BYTES,
  oddSignature,
  oddSignatureEncoding,
} from "../lib/aws-limits.ts";
import { jwtExpirySeconds } from "../lib/jwt.ts";
import type { DeviceContext } from "../model/context.ts";
import type { Secret } from "../model/secret.ts";
import { type Detector, keptOut } from "./facts.ts";

const signatureNotBase64: Detector = ({ context }) => {
  const signature = context?.request.tokenSignature?.exposeText();
  const odd = signature === undefined ? null : oddSignature(signature);
  if (odd === null) return null;
  return { code: "SIGNATURE_NOT_BASE64", evidence: `token.signature is not plain base64: ${odd}` };
};

/** Only where the profile wrote the wire form itself can the encoding be wrong. */
const signatureUrlEncoding: Detector = ({ context }) => {
  for (const [where, text] of writtenQueries(context)) {
    const odd = oddSignatureEncoding(text.exposeText());
    if (odd !== null) {
      return { code: "SIGNATURE_URL_ENCODING", evidence: `the signature in the ${where} ${odd}` };
    }
  }
  return null;
};

function writtenQueries(context: DeviceContext | null): [string, Secret][] {
  if (context === null) return [];
  const { wire } = context;
  const queries: [string, Secret][] = [];
  if (wire.kind !== "mqtt") queries.push(["query string", wire.path]);
  if (wire.kind !== "https" && wire.connect.username) queries.push(["username", wire.connect.username]);
  return queries;
}

/** Row 8: nothing that was read out of such a user name can be relied on. */
export const usernameMalformed: Detector = ({ context }) => {
  if (context === null || context.wire.kind === "https") return null;
  const marks = context.wire.connect.username?.exposeText().split("?").length ?? 1;
  return marks > 2
    ? { code: "USERNAME_MALFORMED", evidence: `the wire username holds ${marks - 1} question marks` }
    : null;
};

/** Row 22. */
const clientIdInvalid: Detector = ({ context }) => {
  if (context === null || context.wire.kind === "https") return null;
  const { clientId } = context.wire.connect;
  const bytes = Buffer.byteLength(clientId);
  if (bytes > MAX_CLIENT_ID_BYTES) {
    return {
      code: "CLIENT_ID_INVALID",
      evidence: `the client id has ${bytes} bytes, at most ${MAX_CLIENT_ID_BYTES} are taken`,
    };
  }
  if (clientId.startsWith("$GEN/")) {
    return {
      code: "CLIENT_ID_INVALID",
      evidence: "the client id starts with $GEN/: the gateway assigned it",
    };
  }
  return null;
};

/** 3.1.1: 2 identifier rejected; 5: 0x85 client identifier not valid. */
const clientIdRejected: Detector = ({ outcome }) =>
  outcome.kind === "refused" && outcome.how === "code" && (outcome.code === 2 || outcome.code === 0x85)
    ? { code: "CLIENT_ID_INVALID", evidence: `the gateway answered CONNACK ${outcome.code}` }
    : null;

/** The token says itself when it expires (RFC 7519 `exp`), if it is a JWT. */
const tokenExpired: Detector = ({ context, nowMs }) => {
  const expiry = jwtExpirySeconds(context?.request.token?.exposeText());
  if (expiry === null || expiry * 1000 > nowMs) return null;
  return { code: "TOKEN_EXPIRED", evidence: `the token expired at ${isoSeconds(expiry)}` };
};

function isoSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

/** Row 5: the handshake fails, or (TLS 1.3) the connection ends once the certificate has been looked at. */
export const clientCertificateUnexpected: Detector = ({ context, outcome, preflight }) => {
  if (!context?.wire.tls.clientCertificate) return null;
  const { domain } = preflight;
  const isWanted = domain.kind === "known" && domain.value?.authenticationType.endsWith("X509") === true;
  if (isWanted || context.wire.tls.alpn.some((each) => CERTIFICATE_ALPN.includes(each))) return null;
  const isBareEnd =
    (outcome.kind === "refused" && outcome.how === "closed") ||
    (outcome.kind === "unreachable" && (outcome.cause === "TLS_FAILED" || outcome.cause === "GATEWAY_RESET"));
  return isBareEnd
    ? {
        code: "CLIENT_CERTIFICATE_UNEXPECTED",
        evidence: `a client certificate was sent, and this came of it: ${outcome.reason ?? "a bare close"}`,
      }
    : null;
};

/** 3.1.1: 4 bad user name or password; 5: 0x86 the same. */
const credentialRejected: Detector = (facts) => {
  const { outcome } = facts;
  if (!keptOut(facts) || outcome.kind !== "refused") return null;
  if (outcome.how !== "code" || (outcome.code !== 4 && outcome.code !== 0x86)) return null;
  return {
    code: "CREDENTIAL_REJECTED",
    evidence: `the gateway answered CONNACK ${outcome.code}, bad user name or password`,
  };
};

export const DEVICE_DETECTORS: readonly Detector[] = [
  // Before its plain form: a doubly encoded signature is no base64 either.
  signatureUrlEncoding,
  signatureNotBase64,
  clientIdInvalid,
  tokenExpired,
];

/** What a code by itself says; which cause gives which code is not documented, so all else comes before. */
export const CODE_DETECTORS: readonly Detector[] = [clientIdRejected, credentialRejected];
