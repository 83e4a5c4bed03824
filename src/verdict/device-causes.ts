import type { DeviceContext } from "../model/context.ts";
import type { Secret } from "../model/secret.ts";
import { type Detector, keptOut } from "./facts.ts";

/** Plain padded base64, as the API's model and the gateway want it (API_TestInvokeAuthorizer). */
const PLAIN_BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MAX_CLIENT_ID_BYTES = 128;

const signatureNotBase64: Detector = ({ context }) => {
  const signature = context?.request.tokenSignature?.exposeText();
  if (signature === undefined || PLAIN_BASE64.test(signature)) return null;
  const odd = /[-_]/.test(signature)
    ? "it holds '-' or '_', as base64url does"
    : /\s/.test(signature)
      ? "it holds white space"
      : /%[0-9A-Fa-f]{2}/.test(signature)
        ? "it is percent-encoded"
        : "it holds other characters";
  return { code: "SIGNATURE_NOT_BASE64", evidence: `token.signature is not plain base64: ${odd}` };
};

/** Only where the profile wrote the wire form itself can the encoding be wrong. */
const signatureUrlEncoding: Detector = ({ context }) => {
  for (const [where, text] of writtenQueries(context)) {
    const written = /x-amz-customauthorizer-signature=([^&]*)/i.exec(text.exposeText())?.[1];
    if (written === undefined) continue;
    if (/[+/]/.test(written)) {
      return {
        code: "SIGNATURE_URL_ENCODING",
        evidence: `the signature in the ${where} holds '+' or '/' as they are, not URL-encoded`,
      };
    }
    if (/%25[0-9A-Fa-f]{2}/.test(written)) {
      return { code: "SIGNATURE_URL_ENCODING", evidence: `the signature in the ${where} is encoded twice` };
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

const usernameMalformed: Detector = ({ context }) => {
  if (context === null || context.wire.kind === "https") return null;
  const marks = context.wire.connect.username?.exposeText().split("?").length ?? 1;
  return marks > 2
    ? { code: "USERNAME_MALFORMED", evidence: `the wire username holds ${marks - 1} question marks` }
    : null;
};

const clientIdInvalid: Detector = ({ context, outcome }) => {
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
  // 3.1.1: 2 identifier rejected; 5: 0x85 client identifier not valid.
  const refusedAsId = outcome.kind === "refused" && (outcome.code === 2 || outcome.code === 0x85);
  return refusedAsId
    ? { code: "CLIENT_ID_INVALID", evidence: `the gateway answered CONNACK ${outcome.code}` }
    : null;
};

/** The token says itself when it expires (RFC 7519 `exp`), if it is a JWT. */
const tokenExpired: Detector = ({ context, nowMs }) => {
  const expiry = jwtExpirySeconds(context?.request.token?.exposeText());
  if (expiry === null || expiry * 1000 > nowMs) return null;
  return { code: "TOKEN_EXPIRED", evidence: `the token expired at ${isoSeconds(expiry)}` };
};

function jwtExpirySeconds(token: string | undefined): number | null {
  const payload = token?.split(".")[1];
  if (payload === undefined) return null;
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const exp = (claims as { exp?: unknown } | null)?.exp;
    return typeof exp === "number" && Math.abs(exp) < 1e11 ? exp : null;
  } catch {
    return null;
  }
}

function isoSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

const clientCertificateUnexpected: Detector = ({ context, outcome }) => {
  if (!context?.wire.tls.clientCertificate) return null;
  if (outcome.kind !== "unreachable" || outcome.cause !== "TLS_FAILED") return null;
  return {
    code: "CLIENT_CERTIFICATE_UNEXPECTED",
    evidence: `the handshake failed with a client certificate: ${outcome.reason}`,
  };
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
  signatureNotBase64,
  signatureUrlEncoding,
  usernameMalformed,
  clientIdInvalid,
  tokenExpired,
  clientCertificateUnexpected,
  credentialRejected,
];
