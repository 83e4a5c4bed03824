import type { TopicAnswer } from "../model/proof.ts";

/** What an answer of the gateway's says about a test. */
export type Reading = Pick<TopicAnswer, "answer" | "evidence" | "closed">;

/**
 * Codes that speak of load, of the connection or of ourselves and not of the policy: server unavailable and busy,
 * packet identifier in use, receive maximum exceeded, message rate too high, quota and connection rate exceeded
 * (MQTT 5 section 2.4).
 */
const NOT_THE_POLICY: ReadonlySet<number> = new Set([0x88, 0x89, 0x91, 0x93, 0x96, 0x97, 0x9f]);

/** DISCONNECT codes that may be the answer to what was just asked: unspecified, not authorized, bad filter or topic. */
const REFUSING_DISCONNECT: ReadonlySet<number> = new Set([0x80, 0x83, 0x87, 0x8f, 0x90]);

/** SUBACK: one code for each filter, the granted QoS or from 0x80 on a refusal [MQTT-3.9.3]. */
export function readSuback(granted: readonly number[], reason: string | null): Reading {
  const [code] = granted;
  if (code === undefined) return { answer: "unanswered", evidence: "SUBACK without a code" };
  return { answer: meaning(code), evidence: withReason(`SUBACK ${codeText(code)}`, reason) };
}

/** PUBACK: without a code in MQTT 3.1.1; 0x10 in MQTT 5 says that nobody is subscribed [MQTT-3.4.2.1]. */
export function readPuback(code: number, reason: string | null): Reading {
  return { answer: meaning(code), evidence: withReason(`PUBACK ${codeText(code)}`, reason) };
}

/** DISCONNECT of the server's while `sent` was not answered; MQTT 5 only [MQTT-3.14]. */
export function readDisconnect(code: number, reason: string | null, sent: string): Reading {
  const evidence = withReason(`DISCONNECT ${codeText(code)} after ${sent}`, reason);
  if (code === 0) return { answer: "denied", evidence, closed: true };
  return { answer: REFUSING_DISCONNECT.has(code) ? "denied" : "unanswered", evidence };
}

/** As in a list of codes: small ones plain, the others in hexadecimal, as MQTT writes them. */
export function codeText(code: number): string {
  return code < 10 ? `${code}` : `0x${code.toString(16).padStart(2, "0")}`;
}

export function withReason(text: string, reason: string | null): string {
  return reason === null || reason === "" ? text : `${text}: ${reason}`;
}

function meaning(code: number): Reading["answer"] {
  if (code < 0x80) return "allowed";
  return NOT_THE_POLICY.has(code) ? "unanswered" : "denied";
}
