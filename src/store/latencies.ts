import type { DatabaseSync } from "node:sqlite";
import type { LatencyTally } from "../model/gate.ts";
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
    return { ...tallyOf(row), shapes: JSON.parse(String(row.shapes)) as RunTimes["shapes"] };
  }

  /** Of all runs of a suite that have any, by their ids. */
  ofSuite(suite: string): ReadonlyMap<string, LatencyTally> {
    const rows = this.#database
      .prepare(
        `SELECT run_id, connect_p95, authorizer_p95 FROM runs JOIN latencies ON run = id WHERE suite = ?`,
      )
      .all(suite);
    return new Map(rows.map((row) => [String(row.run_id), tallyOf(row)]));
  }
}

function tallyOf({ connect_p95, authorizer_p95 }: Readonly<Record<string, unknown>>): LatencyTally {
  const seconds = (value: unknown) => (value === null ? null : Number(value));
  return { connectP95Seconds: seconds(connect_p95), authorizerP95Seconds: seconds(authorizer_p95) };
}
