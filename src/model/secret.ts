import { Buffer } from "node:buffer";
import { inspect } from "node:util";

const MASK = "<secret>";

/**
 * A credential. Prints as `<secret>` wherever a value can be printed by accident (string conversion, JSON,
 * util.inspect, structured logs); only `expose…()` gives it out. Holds bytes, because a password read from
 * a file need not be text.
 */
export class Secret {
  readonly #bytes: Buffer;

  constructor(value: string | Uint8Array) {
    this.#bytes = typeof value === "string" ? Buffer.from(value, "utf8") : Buffer.from(value);
  }

  /** The secret as text (UTF-8). Call it only where the text goes onto the wire. */
  exposeText(): string {
    return this.#bytes.toString("utf8");
  }

  /** The secret's bytes, as a copy nobody else holds. */
  exposeBytes(): Buffer {
    return Buffer.from(this.#bytes);
  }

  get length(): number {
    return this.#bytes.length;
  }

  toString(): string {
    return MASK;
  }

  toJSON(): string {
    return MASK;
  }

  [inspect.custom](): string {
    return MASK;
  }
}
