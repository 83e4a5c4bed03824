import { assertNever } from "../lib/errors.ts";
import { scrub } from "../lib/scrub.ts";
import type { CauseCode } from "../model/causes.ts";
import type { Outcome, Transport } from "../model/outcome.ts";
import type { TopicAnswer } from "../model/proof.ts";
import type { Secret } from "../model/secret.ts";
import { describeFailure } from "./classify-error.ts";
import { connackName } from "./connack-codes.ts";
import type { Ending, Step } from "./ending.ts";

/** An outcome without its transport, and with a reason that is not yet fit to be shown. */
type Meaning =
  | {
      readonly kind: "accepted";
      readonly code: number;
      readonly sessionPresent: boolean | null;
      readonly topics: readonly TopicAnswer[];
    }
  | {
      readonly kind: "refused";
      readonly how: "code" | "status" | "closed";
      readonly code: number | null;
      readonly reason: string | null;
    }
  | {
      readonly kind: "unreachable" | "broken";
      readonly cause: CauseCode;
      readonly reason: string;
      readonly code?: number;
      readonly tlsAlert?: boolean;
    };

/**
 * Gives the facts of an ending their meaning (design 6.8). `step`: where the connection stood; null: before
 * anything was tried. Pure; every text of the gateway's is scrubbed of `secrets`.
 */
export function classify(
  ending: Ending,
  step: Step | null,
  transport: Transport,
  secrets: readonly Secret[],
): Outcome {
  const meaning = meaningOf(ending, step);
  switch (meaning.kind) {
    case "accepted":
      return {
        ...meaning,
        transport,
        topics: meaning.topics.map((each) => ({ ...each, evidence: scrub(each.evidence, secrets) })),
      };
    case "refused":
      return {
        kind: "refused",
        how: meaning.how,
        code: meaning.code,
        reason: meaning.reason === null ? null : scrub(meaning.reason, secrets),
        transport,
      };
    case "unreachable":
    case "broken":
      return {
        kind: meaning.kind,
        cause: meaning.cause,
        code: meaning.code ?? null,
        reason: scrub(meaning.reason, secrets),
        transport,
        tlsAlert: meaning.tlsAlert ?? false,
      };
    default:
      return assertNever(meaning);
  }
}

function meaningOf(ending: Ending, step: Step | null): Meaning {
  switch (ending.kind) {
    case "connack":
      return connackMeaning(ending);
    case "status":
      return statusMeaning(ending.status, ending.reason, step);
    case "closed":
      return closedMeaning(ending.reason, step);
    case "failed":
      return describeFailure(ending.error, step);
    case "certificate":
      return { kind: "unreachable", cause: certificateCause(ending.code), reason: ending.reason };
    case "violation":
      return { kind: "broken", cause: ending.cause, reason: ending.reason };
    case "taken-over":
      return {
        kind: "broken",
        cause: "SESSION_TAKEN_OVER",
        code: 0x8e,
        reason: withDetail(
          "the gateway ended the session: another client uses this client id",
          ending.reason,
        ),
      };
    case "timeout":
      return {
        kind: "unreachable",
        cause: "GATEWAY_TIMEOUT",
        reason: `no answer within ${ending.timeoutMs} ms: ${WAITING_FOR[step ?? "dns"]}`,
      };
    case "interrupted":
      return {
        kind: "broken",
        cause: "INTERRUPTED",
        reason: `stopped before there was an answer: ${WAITING_FOR[step ?? "dns"]}`,
      };
    case "unusable":
      return { kind: "broken", cause: ending.cause, reason: ending.reason };
    default:
      return assertNever(ending);
  }
}

const WAITING_FOR: Readonly<Record<Step, string>> = {
  dns: "the endpoint's name was not resolved",
  tcp: "the TCP connection was not established",
  tls: "the TLS handshake was not completed",
  upgrade: "the WebSocket upgrade was not answered",
  connack: "CONNECT was sent and no complete CONNACK came",
  suback: "SUBSCRIBE was sent and no SUBACK came",
  puback: "PUBLISH was sent and no PUBACK came",
  roundtrip: "the message did not come back",
  response: "the request was sent and no complete response came",
};

type Connack = Extract<Ending, { kind: "connack" }>;

/** Codes of both versions share one table: none has two meanings. MQTT 3.1.1 section 3.2.2.3, MQTT 5 section 3.2.2.2. */
function connackMeaning({ code, reason: said, sessionPresent, topics }: Connack): Meaning {
  if (code === 0) return { kind: "accepted", code, sessionPresent, topics };
  const reason = withDetail(`CONNACK ${code}, ${connackName(code)}`, said);
  const cause = CONNACK_UNREACHABLE.get(code);
  if (cause !== undefined) return { kind: "unreachable", cause, code, reason };
  return { kind: "refused", how: "code", code, reason };
}

const CONNACK_UNREACHABLE: ReadonlyMap<number, CauseCode> = new Map([
  [3, "GATEWAY_UNAVAILABLE"],
  [0x88, "GATEWAY_UNAVAILABLE"],
  [0x89, "GATEWAY_UNAVAILABLE"],
  [0x97, "GATEWAY_THROTTLED"],
  [0x9f, "GATEWAY_THROTTLED"],
]);

function statusMeaning(status: number, detail: string | null, step: Step | null): Meaning {
  const what = step === "upgrade" ? "the WebSocket upgrade was answered with HTTP" : "HTTP";
  const reason = withDetail(`${what} ${status}`, detail);
  if (step === "response" && status >= 200 && status < 300) {
    return { kind: "accepted", code: status, sessionPresent: null, topics: [] };
  }
  // Which of the two a cause gives is undocumented, so both are a denial.
  if (status === 401 || status === 403) return { kind: "refused", how: "status", code: status, reason };
  if (status === 429) return { kind: "unreachable", cause: "GATEWAY_THROTTLED", code: status, reason };
  if (status >= 500) return { kind: "unreachable", cause: "GATEWAY_UNAVAILABLE", code: status, reason };
  return { kind: "broken", cause: "GATEWAY_PROTOCOL_VIOLATION", code: status, reason };
}

function closedMeaning(detail: string | null, step: Step | null): Meaning {
  if (step === "connack") {
    const reason = withDetail("closed after CONNECT, without a CONNACK", detail);
    return { kind: "refused", how: "closed", code: null, reason };
  }
  const reason = withDetail(`the gateway closed the connection: ${WAITING_FOR[step ?? "dns"]}`, detail);
  return { kind: "unreachable", cause: "GATEWAY_RESET", reason };
}

function certificateCause(code: string): CauseCode {
  if (code === "CERT_HAS_EXPIRED") return "SERVER_CERTIFICATE_EXPIRED";
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") return "SERVER_CERTIFICATE_NAME";
  return "SERVER_CERTIFICATE_UNTRUSTED";
}

function withDetail(text: string, detail: string | null): string {
  return detail === null || detail === "" ? text : `${text}: ${detail}`;
}
