import type { DatabaseSync } from "node:sqlite";
import type { Retention } from "../model/history.ts";

const DAY_MS = 86_400_000;
/** Whatever their age; the database itself refuses to delete them (migrations.ts). */
const AUDIT_NEWEST = 1_000;
/** Anybody can be refused, so refusals must not fill the disk; what they try is seen in far fewer. */
const MAX_REFUSED = 10_000;

/**
 * Forgets runs beyond `keepRuns` and `keepDays`, and passes of runs beyond half of each: what failed is looked for
 * longer than what went well. While the database is larger than `maxBytes` it loses its oldest runs. A run that is
 * not finished and the last go of each suite, which later runs are compared with, always stay. Audit entries go with
 * `keepDays` alone, but for the newest.
 */
export function prune(
  database: DatabaseSync,
  { keepRuns, keepDays, maxBytes }: Retention,
  nowMs: number,
): void {
  const old = oldRuns(database, keepRuns, nowMs - keepDays * DAY_MS);
  for (const id of old) deleteRun(database, id);
  const fading = oldRuns(database, Math.ceil(keepRuns / 2), nowMs - (keepDays / 2) * DAY_MS);
  for (const id of fading) dropPasses(database, id);
  for (const id of oldRuns(database, 0, nowMs)) {
    if (usedBytes(database) <= maxBytes) break;
    deleteRun(database, id);
  }
  pruneAudit(database, nowMs - keepDays * DAY_MS);
}

function pruneAudit(database: DatabaseSync, beforeMs: number): void {
  const aged = "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?1 AND at_ms < ?2";
  database.prepare(aged).run(AUDIT_NEWEST, Math.round(beforeMs));
  const refused = `DELETE FROM audit WHERE action = 'refused' AND id <= (SELECT max(id) FROM audit) - ?1
    AND id <= (SELECT id FROM audit WHERE action = 'refused' ORDER BY id DESC LIMIT 1 OFFSET ?2)`;
  database.prepare(refused).run(AUDIT_NEWEST, MAX_REFUSED);
}

/** Runs that may go, oldest first: finished, beyond the newest `keep` or older than `beforeMs`, no suite's last go. */
function oldRuns(database: DatabaseSync, keep: number, beforeMs: number): number[] {
  const rows = database
    .prepare(
      `SELECT id FROM runs
       WHERE status NOT IN ('queued', 'running', 'interrupted')
         AND (started_at_ms < ?1 OR id NOT IN (SELECT id FROM runs ORDER BY id DESC LIMIT ?2))
         AND id NOT IN (SELECT max(id) FROM runs
                        WHERE decision = 'go' AND status = 'finished' AND partial = 0 GROUP BY suite)
       ORDER BY id`,
    )
    .all(Math.round(beforeMs), keep);
  return rows.map(({ id }) => Number(id));
}

function deleteRun(database: DatabaseSync, id: number): void {
  database.prepare("DELETE FROM runs WHERE id = ?").run(id);
}

function dropPasses(database: DatabaseSync, id: number): void {
  const marked = database
    .prepare("UPDATE runs SET passes_dropped = 1 WHERE id = ? AND passes_dropped = 0")
    .run(id);
  if (marked.changes > 0) database.prepare("DELETE FROM results WHERE run = ? AND verdict = 'pass'").run(id);
}

/** Pages that hold something; free ones are used again before the file grows. */
function usedBytes(database: DatabaseSync): number {
  const number = (name: string) => Number(database.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
  return (number("page_count") - number("freelist_count")) * number("page_size");
}
