import { Buffer } from "node:buffer";
import { Duplex } from "node:stream";

/**
 * The connection as MQTT.js is given it. What is written goes out at once; what is read is pushed by the session, one
 * packet at a time. Only `close` ends it: where MQTT.js does not like a packet it destroys its stream, and without
 * UNSUBSCRIBE and DISCONNECT a subscription would stay and the will be fired.
 */
export class Line extends Duplex {
  readonly #stream: Duplex;

  constructor(stream: Duplex) {
    super({ autoDestroy: false });
    this.#stream = stream;
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, written: () => void): void {
    if (this.#stream.writable) this.#stream.write(chunk);
    written();
  }

  /** MQTT.js writes a packet in many small pieces, and holds them together for this. */
  override _writev(pieces: readonly { readonly chunk: Buffer }[], written: () => void): void {
    this._write(Buffer.concat(pieces.map(({ chunk }) => chunk)), "binary", written);
  }

  override _final(finished: () => void): void {
    this.#stream.end();
    finished();
  }

  override destroy(): this {
    return this;
  }

  close(): void {
    super.destroy();
  }
}
