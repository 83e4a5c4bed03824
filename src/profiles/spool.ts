import { randomUUID } from "node:crypto";
import { type FileHandle, open, unlink } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

/**
 * Keeps a stream in a private temporary file, so that it can be read twice. The file has no name any more when
 * this returns: nobody else can open it, and it is gone with its handle, however the process ends.
 */
export async function spool(stream: Readable, folder: string): Promise<FileHandle> {
  const path = join(folder, `fleet-smoke-${randomUUID()}.ndjson`);
  const handle = await open(path, "wx+", 0o600);
  try {
    await unlink(path);
    for await (const chunk of stream) await handle.appendFile(chunk);
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}
