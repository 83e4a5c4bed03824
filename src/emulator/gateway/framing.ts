import { Buffer } from "node:buffer";
import { type Packet, parser } from "mqtt-packet";
import { errorMessage } from "../../lib/errors.ts";

/** AWS takes MQTT 5 packets up to 146 KB (quota page); 3.1.1 packets are bounded by payload and topic alike. */
export const MAX_PACKET_BYTES = 146 * 1024;

/** The client broke the protocol; `code` is the MQTT 5 DISCONNECT reason (3.14.2.1). */
export class ProtocolError extends Error {
  override readonly name = "ProtocolError";
  readonly code: number;

  constructor(message: string, code: number) {
    super(message);
    this.code = code;
  }
}

const CONNECT_HEADER = 0x10;
const MALFORMED = 0x81;
const TOO_LARGE = 0x95;

/**
 * Cuts a byte stream into MQTT packets. Whole packets only reach the codec, so that one that announces too much is
 * refused by its header and never buffered.
 */
export class PacketReader {
  readonly #parser = parser();
  readonly #parsed: Packet[] = [];
  #pending: Buffer = Buffer.alloc(0);
  #failure: Error | null = null;
  #isFirst = true;

  constructor() {
    this.#parser.on("packet", (packet) => this.#parsed.push(packet));
    this.#parser.on("error", (error: Error) => {
      this.#failure = error;
    });
  }

  /** The packets that `chunk` completes, in order. Throws ProtocolError. */
  *push(chunk: Buffer): Generator<Packet> {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    // Anything but a CONNECT need not be waited for (MQTT-3.1.0-1): HTTP, for one.
    if (this.#isFirst && this.#pending[0] !== CONNECT_HEADER)
      throw new ProtocolError("no CONNECT", MALFORMED);
    this.#isFirst = false;
    for (let size = frameSize(this.#pending); size !== null; size = frameSize(this.#pending)) {
      if (size > MAX_PACKET_BYTES) throw new ProtocolError("the packet is too large", TOO_LARGE);
      if (this.#pending.length < size) return;
      const frame = this.#pending.subarray(0, size);
      this.#pending = this.#pending.subarray(size);
      yield this.#decode(frame);
    }
  }

  #decode(frame: Buffer): Packet {
    try {
      this.#parser.parse(frame);
    } catch (error) {
      // The codec reads past the end of some malformed packets.
      this.#failure = error instanceof Error ? error : new Error(errorMessage(error));
    }
    const packet = this.#parsed.shift();
    if (this.#failure !== null || packet === undefined || this.#parsed.length > 0) {
      throw new ProtocolError(this.#failure?.message ?? "not one packet", MALFORMED);
    }
    return packet;
  }
}

/** Header and body of the packet at the start, in bytes; null: its length is not there yet (MQTT 2.1.4). */
function frameSize(bytes: Buffer): number | null {
  let remaining = 0;
  for (let index = 1; index <= 4; index++) {
    const byte = bytes[index];
    if (byte === undefined) return null;
    remaining += (byte & 0x7f) * 128 ** (index - 1);
    if (byte < 0x80) return 1 + index + remaining;
  }
  throw new ProtocolError("the remaining length is malformed", MALFORMED);
}
