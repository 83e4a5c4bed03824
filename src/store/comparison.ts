import type { DatabaseSync } from "node:sqlite";
import type { Comparison, DriftItem, GroupComparison } from "../model/drift.ts";

const MAX_EXAMPLES = 5;
/** Places in a plan that are looked at before others get their turn: some 20 ms. */
const SLICE = 2_000;

/** Two runs, by their numbers in the database. */
export interface RunPair {
  readonly now: number;
  readonly before: number;
  /** Run id of the one before. */
  readonly since: string;
  /** Every check of the whole suite was run: who is not there is missing. */
  readonly isWhole: boolean;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };
type Item = Writable<DriftItem> & { examples: string[] };
type Row = Readonly<Record<string, unknown>>;

/** What is compared of a result `r` with its common fields `c`. */
function fieldsOf(r: string, c: string): string {
  return `${c}.fields ->> '$.authorizer' IN ('allowed', 'denied') AS answered_${r},
    ${r}.own ->> '$.policyHash' AS policy_${r}, ${r}.own ->> '$.principalId' AS principal_${r},
    ${c}.fields ->> '$.refreshAfterSeconds' AS refresh_${r},
    ${c}.fields ->> '$.disconnectAfterSeconds' AS disconnect_${r}`;
}

/**
 * One row for each check of a slice. A check is a device over one protocol, from the same location where it was tested
 * from there; what was derived from it is left out. The
 * authorizer's answers are compared where it gave one in both runs. Which index finds the earlier result
 * is said outright: left to itself, SQLite goes through the whole earlier run for each row.
 */
const PAIRS = `
  WITH checks AS NOT MATERIALIZED (
    SELECT n.device, n.verdict, nc.fields ->> '$.target' AS target, nc.fields ->> '$.cohort' AS cohort,
      ${fieldsOf("n", "nc")},
      (SELECT p.seq FROM results p INDEXED BY results_by_device JOIN commons pc ON pc.id = p.common
       WHERE p.run = ?2 AND p.device = n.device AND pc.fields ->> '$.derived' IS NULL
         AND pc.fields ->> '$.protocol' = nc.fields ->> '$.protocol'
       ORDER BY pc.fields ->> '$.location' IS nc.fields ->> '$.location' DESC LIMIT 1) AS earlier
    FROM results n JOIN commons nc ON nc.id = n.common
    WHERE n.run = ?1 AND n.seq >= ?3 AND n.seq < ?4 AND nc.fields ->> '$.derived' IS NULL
  ), pairs AS NOT MATERIALIZED (
    SELECT checks.*, o.verdict AS before, ${fieldsOf("o", "oc")}
    FROM checks LEFT JOIN results o ON o.run = ?2 AND o.seq = earlier LEFT JOIN commons oc ON oc.id = o.common
  )
  SELECT device, target, cohort, verdict, before, answered_n AND answered_o AS comparable,
    policy_n IS NOT policy_o AS policy, principal_n IS NOT principal_o AS principal,
    refresh_n IS NOT refresh_o OR disconnect_n IS NOT disconnect_o AS times
  FROM pairs`;

/** Devices of the earlier run that are not in the later one, each at its first place. */
const MISSING = `
  SELECT o.device FROM results o
  WHERE o.run = ?2 AND o.seq >= ?3 AND o.seq < ?4
    AND NOT EXISTS (SELECT 1 FROM results n WHERE n.run = ?1 AND n.device = o.device)
    AND NOT EXISTS (SELECT 1 FROM results p WHERE p.run = o.run AND p.device = o.device AND p.seq < o.seq)`;

/** Compares two runs slice by slice: in memory that does not grow with them, and never for long at a time. */
export async function compareRuns(database: DatabaseSync, pair: RunPair): Promise<Comparison> {
  const { now, before, since, isWhole } = pair;
  const found = {
    newlyFailing: item(),
    recovered: item(),
    policyChanged: item(),
    principalIdChanged: item(),
    timesChanged: item(),
  };
  const groups = new Map<string, Writable<GroupComparison>>();
  const pairs = database.prepare(PAIRS);
  for await (const [from, to] of slices(database, now)) {
    for (const row of pairs.all(now, before, from, to)) notePair(row, found, groups);
  }
  const newlyMissing = isWhole ? item() : null;
  if (newlyMissing !== null) {
    const missing = database.prepare(MISSING);
    for await (const [from, to] of slices(database, before)) {
      for (const { device } of missing.all(now, before, from, to)) note(newlyMissing, String(device));
    }
  }
  return { drift: { since, ...found, newlyMissing }, groups: [...groups.values()] };
}

async function* slices(database: DatabaseSync, run: number): AsyncGenerator<readonly [number, number]> {
  const row = database.prepare("SELECT max(seq) AS last FROM results WHERE run = ?").get(run);
  const last = row?.last === null ? -1 : Number(row?.last);
  for (let from = 0; from <= last; from += SLICE) {
    yield [from, from + SLICE];
    await new Promise((resolve) => setImmediate(resolve));
  }
}

function notePair(
  { device, target, cohort, verdict, before, comparable, policy, principal, times }: Row,
  found: Readonly<Record<Exclude<keyof Comparison["drift"], "since" | "newlyMissing">, Item>>,
  groups: Map<string, Writable<GroupComparison>>,
): void {
  const id = String(device);
  const group = groupOf(groups, String(target), String(cohort));
  if (verdict === "fail" && before !== "fail") {
    group.newFailures += 1;
    note(found.newlyFailing, id);
  }
  if (verdict === "pass" && before === "fail") note(found.recovered, id);
  if (comparable !== 1) return;
  group.comparable += 1;
  if (policy === 1 || principal === 1 || times === 1) group.policyChanges += 1;
  if (policy === 1) note(found.policyChanged, id);
  if (principal === 1) note(found.principalIdChanged, id);
  if (times === 1) note(found.timesChanged, id);
}

function groupOf(
  groups: Map<string, Writable<GroupComparison>>,
  target: string,
  cohort: string,
): Writable<GroupComparison> {
  const key = `${target}\n${cohort}`;
  const group = groups.get(key) ?? { target, cohort, newFailures: 0, comparable: 0, policyChanges: 0 };
  groups.set(key, group);
  return group;
}

function item(): Item {
  return { checks: 0, examples: [] };
}

function note(found: Item, device: string): void {
  found.checks += 1;
  if (found.examples.length < MAX_EXAMPLES && !found.examples.includes(device)) found.examples.push(device);
}
