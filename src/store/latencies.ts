import type { DatabaseSync } from "node:sqlite";
import type { RunTimes } from "../model/latency.ts";

/** How long things took in runs that have ended, without a look at their results. Throws what SQLite throws. */
export class Latencies {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Replaces what is kept of the run. */
  keep(runId: string, { connectP95Seconds, authorizerP95Seconds, shapes }: RunTimes): void {
    this.#database
      .prepare(
        `INSERT INTO latencies (run, connect_p95, authorizer_p95, shapes)
         SELECT id, ?, ?, ? FROM runs WHERE run_id = ?
         ON CONFLICT DO UPDATE SET connect_p95 = excluded.connect_p95,
           authorizer_p95 = excluded.authorizer_p95, shapes = excluded.shapes`,
      )
      .run(connectP95Seconds, authorizerP95Seconds, JSON.stringify(shapes), runId);
  }

  /** null: nothing is kept of such a run. */
  of(runId: string): RunTimes | null {
    const row = this.#database
      .prepare(
        `SELECT connect_p95, authorizer_p95, shapes FROM latencies JOIN runs ON id = run WHERE run_id = ?`,
      )
      .get(runId);
    if (row === undefined) return null;
    const seconds = (value: unknown) => (value === null ? null : Number(value));
    return {
      connectP95Seconds: seconds(row.connect_p95),
      authorizerP95Seconds: seconds(row.authorizer_p95),
      shapes: JSON.parse(String(row.shapes)) as RunTimes["shapes"],
    };
  }
}
