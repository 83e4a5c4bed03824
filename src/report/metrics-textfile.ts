import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { replaceFile } from "./replace-file.ts";

/**
 * Writes a metrics page for node_exporter's textfile collector, which may read at any moment. The page must hold
 * only our own metrics: node_exporter refuses a second `process_…` family beside its own.
 */
export async function writeMetricsTextfile(path: string, page: string): Promise<void> {
  await replaceFile(path, (out) => pipeline(Readable.from([page]), out));
}
