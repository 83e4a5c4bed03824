import { Buffer } from "node:buffer";
import { createHmac, createSecretKey, hash, type KeyObject } from "node:crypto";

/**
 * What the SDK signs requests with (SHA-256, or HMAC-SHA-256 where a key is given), as it asks for it: the interface of
 * `@smithy/types` Checksum. Node makes a key out of bytes anew for each HMAC, at several times the cost of the HMAC
 * itself; here a key that is used again is made once.
 */
export class Sha256 {
  readonly #key: KeyObject | null;
  #chunks: Uint8Array[] = [];

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#key = secret === undefined ? null : keyOf(secret);
  }

  update(chunk: Uint8Array): void {
    this.#chunks.push(chunk);
  }

  async digest(): Promise<Uint8Array> {
    const data = Buffer.concat(this.#chunks);
    if (this.#key === null) return hash("sha256", data, "buffer");
    return createHmac("sha256", this.#key).update(data).digest();
  }

  reset(): void {
    this.#chunks = [];
  }
}

/** The SDK keeps the key of a day and Region itself, and hands out the same bytes each time. */
const known = new WeakMap<object, KeyObject>();

function keyOf(secret: string | ArrayBuffer | ArrayBufferView): KeyObject {
  if (typeof secret === "string") return createSecretKey(secret, "utf8");
  const before = known.get(secret);
  if (before !== undefined) return before;
  const bytes = ArrayBuffer.isView(secret)
    ? Buffer.from(secret.buffer, secret.byteOffset, secret.byteLength)
    : Buffer.from(secret);
  const key = createSecretKey(bytes);
  known.set(secret, key);
  return key;
}
