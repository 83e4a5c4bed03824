import type { DatabaseSync } from "node:sqlite";
import type { RunPoint } from "../model/overview.ts";

type Row = Readonly<Record<string, unknown>>;

/**
 * Runs of a suite as points in time, newest first, those before `cursor` (a run id of an earlier page). SQLite takes
 * out of each summary the little that is shown: a summary may hold hundreds of rules, and parsing 200 of them here takes
 * fifteen times as long. Throws what SQLite throws.
 */
export function pointsOf(
  database: DatabaseSync,
  query: { readonly suite: string; readonly cursor: string | null; readonly limit: number },
): RunPoint[] {
  const rows = database
    .prepare(
      `SELECT run_id, status, decision, partial, started_at_ms, connect_p95, authorizer_p95,
         summary ->> '$.decidedAt' AS decided_at, summary ->> '$.durationSeconds' AS seconds,
         summary -> '$.counts' AS counts
       FROM runs LEFT JOIN latencies ON run = id
       WHERE suite = ?1
         AND id < coalesce((SELECT id FROM runs WHERE run_id = ?2), CASE WHEN ?2 IS NULL THEN 9e15 ELSE 0 END)
       ORDER BY id DESC LIMIT ?3`,
    )
    .all(query.suite, query.cursor, query.limit);
  return rows.map(runPoint);
}

function runPoint(row: Row): RunPoint {
  const { checks, pass, fail, inconclusive, skipped } = JSON.parse(String(row.counts)) as RunPoint;
  return {
    runId: String(row.run_id),
    status: String(row.status) as RunPoint["status"],
    decision: text(row.decision) as RunPoint["decision"],
    isWhole: row.partial === 0,
    startedAt: new Date(Number(row.started_at_ms)).toISOString(),
    decidedAt: text(row.decided_at),
    durationSeconds: Number(row.seconds),
    ...{ checks, pass, fail, inconclusive, skipped },
    connectP95: seconds(row.connect_p95),
    authorizerP95: seconds(row.authorizer_p95),
  };
}

function text(value: unknown): string | null {
  return value === null ? null : String(value);
}

function seconds(value: unknown): number | null {
  return value === null ? null : Number(value);
}
