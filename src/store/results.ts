import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { ResultRecord } from "../model/result.ts";

const BATCH = 500;

/**
 * The results of one run, on disk instead of in memory, so that a report can list a large fleet in plan order.
 * The database is private to the process and temporary: SQLite deletes it when it is closed.
 */
export class ResultStore implements Disposable {
  readonly #database = new DatabaseSync("");
  readonly #insert: StatementSync;
  #waiting: ResultRecord[] = [];

  constructor() {
    this.#database.exec("PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF");
    this.#database.exec("CREATE TABLE results (seq INTEGER PRIMARY KEY, record TEXT NOT NULL) STRICT");
    this.#insert = this.#database.prepare("INSERT INTO results (seq, record) VALUES (?, ?)");
  }

  /** One result per check: a second one for the same place in the plan is a bug and throws. */
  add(record: ResultRecord): void {
    this.#waiting.push(record);
    if (this.#waiting.length >= BATCH) this.#flush();
  }

  /** In plan order. */
  *inPlanOrder(): Generator<ResultRecord> {
    this.#flush();
    for (const row of this.#database.prepare("SELECT record FROM results ORDER BY seq").iterate()) {
      yield JSON.parse(String(row.record)) as ResultRecord;
    }
  }

  [Symbol.dispose](): void {
    this.#database.close();
  }

  #flush(): void {
    const batch = this.#waiting;
    this.#waiting = [];
    this.#database.exec("BEGIN");
    for (const record of batch) this.#insert.run(record.seq, JSON.stringify(record));
    this.#database.exec("COMMIT");
  }
}
