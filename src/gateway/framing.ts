import type { Buffer } from "node:buffer";

/** A fixed header: packet type and at most four bytes of remaining length [MQTT-2.2]. */
export const FIXED_HEADER_BYTES = 5;

/** The first packet of these bytes; all of them where its length is malformed, null while it is incomplete. */
export function firstPacket(bytes: Buffer): Buffer | null {
  const length = readRemainingLength(bytes.subarray(1, FIXED_HEADER_BYTES));
  if (length === "incomplete") return null;
  if (length === "malformed") return bytes;
  const headerBytes = bytes.findIndex((byte, at) => at > 0 && byte < 0x80) + 1;
  const end = headerBytes + length;
  return bytes.length < end ? null : bytes.subarray(0, end);
}

/** Variable byte integer, at most four bytes [MQTT-2.2.3]. */
export function readRemainingLength(bytes: Uint8Array): number | "incomplete" | "malformed" {
  let value = 0;
  for (const [index, byte] of bytes.entries()) {
    value += (byte & 0x7f) * 128 ** index;
    if ((byte & 0x80) === 0) return value;
  }
  return bytes.length < 4 ? "incomplete" : "malformed";
}
