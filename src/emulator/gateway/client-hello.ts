import { Buffer } from "node:buffer";

/** What a client says before anything is encrypted (RFC 8446, 4.1.2). */
export interface ClientHello {
  /** SNI host name. */
  readonly serverName: string | null;
  /** In the order of preference; empty: it sent no ALPN. */
  readonly alpn: readonly string[];
}

export type PeekedHello =
  | { readonly kind: "read"; readonly hello: ClientHello }
  | { readonly kind: "incomplete" }
  | { readonly kind: "not-tls" };

const HANDSHAKE_RECORD = 22;
const CLIENT_HELLO = 1;
const SERVER_NAME = 0;
const ALPN = 16;
/** A ClientHello with post-quantum key shares takes under 2 KB. */
const MAX_BYTES = 32 * 1024;

/** Reads a ClientHello off the first bytes of a connection without taking them. */
export function peekClientHello(bytes: Buffer): PeekedHello {
  const handshake = joinRecords(bytes);
  if (handshake === null) return { kind: "not-tls" };
  if (handshake.length < 4) return tooLong(bytes);
  if (handshake[0] !== CLIENT_HELLO) return { kind: "not-tls" };
  const size = handshake.readUIntBE(1, 3);
  if (size > MAX_BYTES) return { kind: "not-tls" };
  if (handshake.length < 4 + size) return tooLong(bytes);
  try {
    return { kind: "read", hello: readHello(new Cursor(handshake.subarray(4, 4 + size))) };
  } catch (error) {
    if (error instanceof RangeError) return { kind: "not-tls" };
    throw error;
  }
}

function tooLong(bytes: Buffer): PeekedHello {
  return { kind: bytes.length > MAX_BYTES ? "not-tls" : "incomplete" };
}

/** The handshake bytes of the complete records at the start; null: the bytes are no handshake records. */
function joinRecords(bytes: Buffer): Buffer | null {
  const parts: Buffer[] = [];
  let at = 0;
  while (at < bytes.length) {
    if (bytes[at] !== HANDSHAKE_RECORD) return parts.length > 0 ? concat(parts) : null;
    if (bytes.length < at + 5) break;
    if (bytes[at + 1] !== 3) return null;
    const end = at + 5 + bytes.readUInt16BE(at + 3);
    parts.push(bytes.subarray(at + 5, Math.min(end, bytes.length)));
    at = end;
  }
  return concat(parts);
}

function readHello(hello: Cursor): ClientHello {
  // Version and random.
  hello.skip(2 + 32);
  // Session id, cipher suites, compression methods.
  hello.vector(1);
  hello.vector(2);
  hello.vector(1);
  let serverName: string | null = null;
  let alpn: readonly string[] = [];
  if (hello.left === 0) return { serverName, alpn };
  const extensions = hello.vector(2);
  while (extensions.left > 0) {
    const type = extensions.number(2);
    const data = extensions.vector(2);
    if (type === SERVER_NAME) serverName = readServerName(data);
    if (type === ALPN) alpn = readProtocols(data.vector(2));
  }
  return { serverName, alpn };
}

/** RFC 6066, 3: a list of names, of which only a host name is defined. */
function readServerName(data: Cursor): string | null {
  const names = data.vector(2);
  while (names.left > 0) {
    const type = names.number(1);
    const name = names.vector(2).text();
    if (type === 0) return name;
  }
  return null;
}

/** RFC 7301, 3.1. */
function readProtocols(list: Cursor): string[] {
  const names: string[] = [];
  while (list.left > 0) names.push(list.vector(1).text());
  return names;
}

function concat(parts: readonly Buffer[]): Buffer {
  return Buffer.concat(parts);
}

/** Reads big-endian numbers and length-prefixed vectors; throws RangeError past the end. */
class Cursor {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  skip(count: number): void {
    if (count > this.left) throw new RangeError("past the end");
    this.#at += count;
  }

  number(size: number): number {
    const from = this.#at;
    this.skip(size);
    return this.#bytes.readUIntBE(from, size);
  }

  vector(lengthSize: number): Cursor {
    const size = this.number(lengthSize);
    const from = this.#at;
    this.skip(size);
    return new Cursor(this.#bytes.subarray(from, from + size));
  }

  text(): string {
    return this.#bytes.toString("latin1", this.#at);
  }
}
