import type { Observation, ShardEnd, ShardReport } from "../../model/shard.ts";

/** What a worker puts into the stream of a run. */
export type WorkerMessage =
  | { readonly kind: "reports"; readonly jobId: string; readonly reports: readonly ShardReport[] }
  | { readonly kind: "end"; readonly jobId: string; readonly end: ShardEnd }
  | { readonly kind: "observed"; readonly observations: readonly Observation[] };

const FIELD = "m";

export function messageFields(message: WorkerMessage): [string, string] {
  return [FIELD, JSON.stringify(message)];
}

/** null: an entry of somebody else's. */
export function readMessage(fields: readonly string[]): WorkerMessage | null {
  const [name, text] = fields;
  return name === FIELD && text !== undefined ? (JSON.parse(text) as WorkerMessage) : null;
}
