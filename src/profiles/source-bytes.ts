import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

const CHUNK_BYTES = 64 * 1024;

/** What tells one version of a file from another. */
export interface Fingerprint {
  /** Size and time of change: known before reading. */
  readonly stamp: string;
  /** Of all bytes. */
  readonly sha256: string;
}

/** The sources are not what pass one checked. */
export class SourceChangedError extends Error {
  override readonly name = "SourceChangedError";
  constructor(file: string, options?: ErrorOptions) {
    super(`${file} has changed since its profiles were checked`, options);
  }
}

/** A place bytes can be read from as often as needed. */
export interface ByteSource {
  open(): Promise<OpenBytes>;
}

export interface OpenBytes extends AsyncDisposable {
  readonly stamp: string;
  /** From the beginning to the end, in fresh buffers. */
  chunks(): AsyncGenerator<Buffer>;
  /** Of the bytes read so far. */
  sha256(): string;
}

export function fileBytes(path: string): ByteSource {
  return {
    async open() {
      const handle = await open(path, "r");
      return openBytes(handle, () => handle.close());
    },
  };
}

/** Of a file that stays open: closing one reading leaves it so. */
export function handleBytes(handle: FileHandle): ByteSource {
  return { open: () => openBytes(handle, async () => {}) };
}

async function openBytes(handle: FileHandle, close: () => Promise<void>): Promise<OpenBytes> {
  const hash = createHash("sha256");
  const { size, mtimeNs } = await handle.stat({ bigint: true });
  return {
    stamp: `${size} bytes, ${mtimeNs} ns`,
    async *chunks() {
      let position = 0;
      for (;;) {
        const { bytesRead, buffer } = await handle.read(
          Buffer.allocUnsafeSlow(CHUNK_BYTES),
          0,
          CHUNK_BYTES,
          position,
        );
        if (bytesRead === 0) return;
        position += bytesRead;
        const chunk = buffer.subarray(0, bytesRead);
        hash.update(chunk);
        yield chunk;
      }
    },
    sha256: () => hash.copy().digest("hex"),
    [Symbol.asyncDispose]: close,
  };
}
