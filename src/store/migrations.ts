/**
 * Each entry takes the database one version further; none is ever changed once it was released. `user_version` holds
 * how many were applied.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE runs (
     id INTEGER PRIMARY KEY,
     run_id TEXT NOT NULL UNIQUE,
     suite TEXT NOT NULL,
     status TEXT NOT NULL,
     decision TEXT,
     partial INTEGER NOT NULL,
     started_at_ms INTEGER NOT NULL,
     start TEXT NOT NULL,
     fleet_checksum TEXT,
     summary TEXT NOT NULL,
     passes_dropped INTEGER NOT NULL DEFAULT 0
   ) STRICT;
   CREATE INDEX runs_by_suite ON runs (suite, id);
   CREATE TABLE commons (id INTEGER PRIMARY KEY, fields TEXT NOT NULL UNIQUE) STRICT;
   CREATE TABLE results (
     run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
     seq INTEGER NOT NULL,
     device TEXT NOT NULL,
     verdict TEXT NOT NULL,
     cause TEXT,
     common INTEGER NOT NULL REFERENCES commons (id),
     own TEXT NOT NULL,
     PRIMARY KEY (run, seq)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX results_by_device ON results (run, device);
   CREATE INDEX results_by_verdict ON results (run, verdict, cause, seq) WHERE verdict <> 'pass';
   CREATE TABLE keys (
     key TEXT PRIMARY KEY,
     run INTEGER NOT NULL REFERENCES runs (id) ON DELETE CASCADE
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX keys_by_run ON keys (run);
   CREATE TABLE audit (
     id INTEGER PRIMARY KEY,
     at_ms INTEGER NOT NULL,
     actor TEXT NOT NULL,
     action TEXT NOT NULL,
     detail TEXT NOT NULL
   ) STRICT;
   CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
   CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'append only'); END;
   CREATE TABLE flags (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`,
  // The audit log is append-only for its newest entries, and has an end (retention.ts); deliveries outlive the process.
  `DROP TRIGGER audit_is_not_deleted;
   CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
     WHEN OLD.id > (SELECT max(id) FROM audit) - 1000 BEGIN SELECT RAISE(ABORT, 'append only'); END;
   CREATE TABLE deliveries (
     seq INTEGER PRIMARY KEY,
     hook TEXT NOT NULL,
     id TEXT NOT NULL,
     suite TEXT NOT NULL,
     body TEXT NOT NULL,
     UNIQUE (hook, id)
   ) STRICT;`,
  // What derived checks have spent of an identity holds over all runs of an hour.
  `CREATE TABLE derived_uses (identity TEXT NOT NULL, at_ms INTEGER NOT NULL) STRICT;
   CREATE INDEX derived_uses_by_time ON derived_uses (at_ms);`,
  // Pages of results are found by any mix of filters in an index that is some 20 bytes a result; how a run's times were
  // spread is known without a look at its results.
  `DROP INDEX results_by_verdict;
   CREATE INDEX results_narrow ON results (run, seq, common, verdict, cause);
   CREATE TABLE latencies (
     run INTEGER PRIMARY KEY REFERENCES runs (id) ON DELETE CASCADE,
     connect_p95 REAL,
     authorizer_p95 REAL,
     shapes TEXT NOT NULL
   ) STRICT;`,
];
