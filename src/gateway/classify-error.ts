import { errorChain, errorCode, errorMessage } from "../lib/errors.ts";
import type { CauseCode } from "../model/causes.ts";
import type { Step } from "./ending.ts";

export interface Failure {
  readonly kind: "unreachable" | "broken";
  readonly cause: CauseCode;
  readonly reason: string;
  readonly tlsAlert: boolean;
}

/** What an error of the system, TLS, `ws`, Node's HTTP client or undici says about the gateway, or about us. */
export function describeFailure(error: unknown, step: Step | null): Failure {
  const code = errorCode(error);
  const message = errorMessage(error);
  if (step === "dns") return unreachable("DNS_FAILED", `name resolution failed: ${message}`);
  if (isViolation(error, code)) {
    return broken("GATEWAY_PROTOCOL_VIOLATION", `the answer breaks the protocol: ${message}`);
  }
  if (code === null) return broken("TESTER_ERROR", message);
  if (OUT_OF_RESOURCES.has(code)) {
    return broken("TESTER_OVERLOADED", `this machine ran out of resources: ${message}`);
  }
  if (isTlsCode(code)) return tlsFailure(error);
  if (RESET.has(code)) {
    return unreachable("GATEWAY_RESET", `the connection was ${howEnded(error)} ${WHEN[step ?? "tcp"]}`);
  }
  if (code === "ETIMEDOUT") return unreachable("GATEWAY_TIMEOUT", `the network timed out: ${message}`);
  if (step === "tcp") return unreachable("TCP_REFUSED", `TCP connection failed: ${message}`);
  if (NETWORK_GONE.has(code)) return unreachable("GATEWAY_RESET", `the network failed: ${message}`);
  return broken("TESTER_ERROR", `${code}: ${message}`);
}

const WHEN: Readonly<Record<Step, string>> = {
  dns: "during name resolution",
  tcp: "while connecting",
  tls: "during the TLS handshake",
  upgrade: "before the WebSocket upgrade was answered",
  connack: "after CONNECT, before a complete CONNACK",
  suback: "before a SUBACK",
  puback: "before a PUBACK",
  roundtrip: "before the message came back",
  response: "before a complete response",
};

/** Node and undici report an orderly close that they did not expect with a reset's code, but name no system call. */
function howEnded(error: unknown): string {
  return errorChain(error).some((each) => "syscall" in each) ? "reset" : "closed";
}

const RESET: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE", "ECONNABORTED", "UND_ERR_SOCKET"]);
const NETWORK_GONE: ReadonlySet<string> = new Set(["EHOSTUNREACH", "ENETUNREACH", "ENETDOWN", "EHOSTDOWN"]);
const OUT_OF_RESOURCES: ReadonlySet<string> = new Set(["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"]);

/** Node's HTTP parser, ws's receiver, undici's checks of a response; undici asserts that nothing unasked is upgraded. */
const VIOLATION_CODE = /^(HPE_|WS_ERR_|UND_ERR_HEADERS_OVERFLOW$|UND_ERR_RES_|ERR_ASSERTION$)/;
/** undici's words for an answer with an impossible status; the code is that of a closed connection. */
const VIOLATION_MESSAGE = /^bad (response|upgrade)$/;

function isViolation(error: unknown, code: string | null): boolean {
  if (code !== null && VIOLATION_CODE.test(code)) return true;
  if (code === "UND_ERR_SOCKET") return VIOLATION_MESSAGE.test(errorMessage(error));
  return error instanceof Error && error.name === "HTTPParserError";
}

function isTlsCode(code: string): boolean {
  return code.startsWith("ERR_SSL_") || code === "EPROTO";
}

/**
 * Only an alert that the peer sent counts as one: what our own side makes of bytes that are no TLS says
 * nothing about the peer's opinion of the device.
 */
function tlsFailure(error: unknown): Failure {
  const detail = tlsDetail(error);
  const tlsAlert = /\balert\b/i.test(detail) || NAMELESS_ALERTS.has(detail.toLowerCase());
  const what = tlsAlert ? "the gateway sent a TLS alert" : "TLS failed";
  return { ...unreachable("TLS_FAILED", `${what}: ${detail}`), tlsAlert };
}

/** Alerts 110 to 114, which OpenSSL tells of without the word. */
const NAMELESS_ALERTS: ReadonlySet<string> = new Set([
  "tlsv1 unsupported extension",
  "tlsv1 certificate unobtainable",
  "tlsv1 unrecognized name",
  "tlsv1 bad certificate status response",
  "tlsv1 bad certificate hash value",
]);

/** OpenSSL's own words, without addresses, library and file names. */
function tlsDetail(error: unknown): string {
  for (const each of errorChain(error)) {
    const { reason } = each as { reason?: unknown };
    if (typeof reason === "string" && reason !== "") return reason;
  }
  const message = errorMessage(error);
  return /:SSL routines:[^:]*:([^:]+)/.exec(message)?.[1] ?? message;
}

function unreachable(cause: CauseCode, reason: string): Failure {
  return { kind: "unreachable", cause, reason, tlsAlert: false };
}

function broken(cause: CauseCode, reason: string): Failure {
  return { kind: "broken", cause, reason, tlsAlert: false };
}
