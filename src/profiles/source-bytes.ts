import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { wallMs } from "../lib/clock.ts";

const CHUNK_BYTES = 64 * 1024;
/** File systems keep times by the second at worst: two changes within one look like one. */
const SETTLED_MS = 2_000;

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
  /** Tells this file, as it is, from any other and from what becomes of it; null while a change could go unnoticed. */
  readonly version: string | null;
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
  const openedAtMs = wallMs();
  const { size, mtimeNs, ctimeNs, ctimeMs, dev, ino } = await handle.stat({ bigint: true });
  const isSettled = openedAtMs - Number(ctimeMs) >= SETTLED_MS;
  return {
    stamp: `${size} bytes, ${mtimeNs} ns`,
    version: isSettled ? [dev, ino, size, mtimeNs, ctimeNs].join(" ") : null,
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
