import type { MqttVersion } from "../model/profile.ts";
import { FIXED_HEADER_BYTES, readRemainingLength } from "./framing.ts";
import { MAX_BYTES_BEFORE_VERDICT } from "./limits.ts";

export type Opening =
  | { readonly kind: "incomplete" | "plausible" }
  | { readonly kind: "violation"; readonly reason: string };

const CONNACK = 0x20;
/** Defined for the server in MQTT 5 only; how a session taken over is announced. */
const DISCONNECT = 0xe0;
const INCOMPLETE: Opening = { kind: "incomplete" };

/**
 * Can these first bytes (at most `FIXED_HEADER_BYTES` are looked at) begin an answer to CONNECT? The first packet
 * must be a CONNACK [MQTT-3.2.0-1]. Said from the header alone, because a parser waits for a packet of
 * 256 MB to be complete before it notices that nobody asked for it.
 */
export function readOpening(bytes: Uint8Array, version: MqttVersion): Opening {
  const [type] = bytes;
  if (type === undefined) return INCOMPLETE;
  if (type === 0x48) return readAsHttp(bytes);
  if (type !== CONNACK && !(type === DISCONNECT && version === 5)) {
    return violation(`the first byte, 0x${type.toString(16).padStart(2, "0")}, does not begin a CONNACK`);
  }
  const length = readRemainingLength(bytes.subarray(1, FIXED_HEADER_BYTES));
  if (length === "incomplete") return INCOMPLETE;
  if (length === "malformed") return violation("the length of the first packet is malformed");
  if (version === 4 && length !== 2) return violation(`the CONNACK has ${length} bytes instead of 2`);
  // Two: an old broker answers version 5 in the form of 3.1.1.
  if (type === CONNACK && length < 2) return violation(`the CONNACK has ${length} bytes: no code is in it`);
  if (length > MAX_BYTES_BEFORE_VERDICT) return violation(`the CONNACK announces ${length} bytes`);
  return { kind: "plausible" };
}

function readAsHttp(bytes: Uint8Array): Opening {
  const text = String.fromCharCode(...bytes.subarray(0, FIXED_HEADER_BYTES));
  if (text === "HTTP/") return violation("the gateway answered CONNECT in HTTP (was ALPN mqtt sent?)");
  return "HTTP/".startsWith(text) ? INCOMPLETE : violation("the answer to CONNECT is not MQTT");
}

function violation(reason: string): Opening {
  return { kind: "violation", reason };
}
