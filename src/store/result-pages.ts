import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import type { DeviceQuery, DeviceRow, ResultsQuery } from "../model/history.ts";
import type { ResultRecord } from "../model/result.ts";
import { joinRecord } from "./record-parts.ts";

type Row = Readonly<Record<string, unknown>>;
type Condition = readonly [sql: string, value: SQLInputValue];

const COLUMNS = "r.seq, r.device, r.verdict, r.own, c.fields";

/** Pages of results. What is read does not grow with what is kept of other runs. Throws what SQLite throws. */
export class ResultPages {
  readonly #database: DatabaseSync;
  /** One for each combination of filters. */
  readonly #statements = new Map<string, StatementSync>();

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /**
   * One page in plan order. What is filtered is found in an index that holds all it takes, so that the results
   * themselves are read for the page alone; fields that results share are looked for among their combinations.
   *
   * @param run its number in the database
   */
  page(run: number, query: ResultsQuery): ResultRecord[] {
    const own = ownConditions(query);
    const shared = sharedConditions(query);
    const index = query.device === null ? "results_narrow" : "results_by_device";
    const conditions = [
      ...["run = ?", "seq > ?", ...own.map(([sql]) => sql)],
      ...(shared.length === 0 ? [] : [`common IN (SELECT id FROM commons WHERE ${joined(shared)})`]),
    ];
    const sql = `SELECT ${COLUMNS} FROM
        (SELECT seq FROM results INDEXED BY ${index}
         WHERE ${conditions.join(" AND ")} ORDER BY seq LIMIT ?) AS found
      CROSS JOIN results r ON r.run = ? AND r.seq = found.seq JOIN commons c ON c.id = r.common ORDER BY r.seq`;
    const values = [...own, ...shared].map(([, value]) => value);
    return this.#prepared(sql)
      .all(run, query.afterSeq ?? -1, ...values, query.limit, run)
      .map(resultRecord);
  }

  /**
   * Results of one device over all runs: the newest run first, in it in plan order. Each run is asked for the device in
   * turn, which an index that begins with the run answers at once.
   */
  ofDevice(device: string, { after, limit }: DeviceQuery): DeviceRow[] {
    const rows = this.#prepared(
      `SELECT runs.id AS run, runs.run_id, runs.started_at_ms, ${COLUMNS}
       FROM runs CROSS JOIN results r INDEXED BY results_by_device ON r.run = runs.id AND r.device = ?1
         JOIN commons c ON c.id = r.common
       WHERE runs.id <= ?2 AND (runs.id < ?2 OR r.seq > ?3) ORDER BY runs.id DESC, r.seq LIMIT ?4`,
    ).all(device, after?.run ?? Number.MAX_SAFE_INTEGER, after?.seq ?? -1, limit);
    return rows.map((row) => ({
      run: Number(row.run),
      runId: String(row.run_id),
      startedAtMs: Number(row.started_at_ms),
      record: resultRecord(row),
    }));
  }

  #prepared(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#database.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }
}

/** A row of `results` with the `fields` it shares with others. */
export function resultRecord({ seq, device, verdict, own, fields }: Row): ResultRecord {
  const columns = {
    seq: Number(seq),
    device: String(device),
    verdict: String(verdict) as ResultRecord["verdict"],
  };
  return joinRecord(columns, { common: String(fields), own: String(own) });
}

function ownConditions({ verdict, cause, device }: ResultsQuery): Condition[] {
  return given([
    ["verdict = ?", verdict],
    ["cause = ?", cause],
    ["device = ?", device],
  ]);
}

function sharedConditions({ authorizer, gateway, cohort, protocol, derived }: ResultsQuery): Condition[] {
  return given([
    ["fields ->> '$.authorizer' = ?", authorizer],
    ["fields ->> '$.gateway' = ?", gateway],
    ["fields ->> '$.cohort' = ?", cohort],
    ["fields ->> '$.protocol' = ?", protocol],
    ["(fields ->> '$.derived' IS NOT NULL) = ?", derived === null ? null : Number(derived)],
  ]);
}

function given(conditions: readonly (readonly [string, SQLInputValue])[]): Condition[] {
  return conditions.filter(([, value]) => value !== null);
}

function joined(conditions: readonly Condition[]): string {
  return conditions.map(([sql]) => sql).join(" AND ");
}
