import { Readable, type Writable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** Writes the text piece by piece at the speed `out` takes it, and ends it. Rejects with the error of either. */
export async function streamText(
  out: Writable,
  text: Iterable<string> | AsyncIterable<string>,
): Promise<void> {
  await pipeline(Readable.from(text, { objectMode: true }), out);
}
