import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { errorMessage } from "../lib/errors.ts";
import { MIGRATIONS } from "./migrations.ts";

/** Why a database cannot be used. `locked`: another process owns it. */
export type Unusable = "locked" | "newer" | "corrupt" | "unwritable";

export type Opened =
  | { readonly kind: "open"; readonly database: DatabaseSync }
  /** `message`: for people, with the path. */
  | { readonly kind: "refused"; readonly why: Unusable; readonly message: string };

/** How long another process may take to let go: a daemon that is being replaced ends its last writes. */
const LOCK_WAIT_MS = 2_000;

/**
 * Opens the database and takes it over: no other process can read or write it until it is closed, by this process's
 * end at the latest. Path "" is a temporary database that SQLite deletes on close.
 */
export function openDatabase(path: string, migrations: readonly string[] = MIGRATIONS): Opened {
  let database: DatabaseSync | null = null;
  try {
    if (path !== "") mkdirSync(dirname(path), { recursive: true });
    database = new DatabaseSync(path, { timeout: LOCK_WAIT_MS });
    // Before the first access: the lock is then kept, and WAL needs no shared memory.
    database.exec("PRAGMA locking_mode=EXCLUSIVE");
    database.exec(path === "" ? "PRAGMA journal_mode=OFF" : "PRAGMA journal_mode=WAL");
    database.exec(
      "PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON; PRAGMA journal_size_limit=67108864; BEGIN IMMEDIATE; COMMIT",
    );
    const version = versionOf(database);
    if (version > migrations.length) {
      database.close();
      return refused("newer", path, `was written by a newer release (version ${version})`);
    }
    migrate(database, migrations, version);
    const damage = damageOf(database);
    if (damage !== null) {
      database.close();
      return refused("corrupt", path, `${WORDS.corrupt} (${damage})`);
    }
    return { kind: "open", database };
  } catch (error) {
    database?.close();
    const why = whyUnusable(error);
    return refused(why, path, `${WORDS[why]} (${errorMessage(error)})`);
  }
}

const WORDS: Readonly<Record<Unusable, string>> = {
  locked: "is in use by another fleet-smoke",
  newer: "was written by a newer release",
  corrupt: "is damaged or is no database of fleet-smoke",
  unwritable: "cannot be written",
};

function refused(why: Unusable, path: string, what: string): Opened {
  return { kind: "refused", why, message: `store ${path} ${what}` };
}

/** All that is read before the first run; results, which may take minutes to check, are not among it. */
const NEEDED = ["runs", "keys", "audit", "flags", "deliveries"];

/** What SQLite finds wrong with the tables that a start needs; null: nothing. */
function damageOf(database: DatabaseSync): string | null {
  for (const table of NEEDED) {
    const found = database.prepare(`PRAGMA quick_check(${table})`).get()?.quick_check;
    // After a line that names the database, which has no other name than the path.
    if (found !== "ok") return String(found).split("\n").at(-1) ?? "";
  }
  return null;
}

function versionOf(database: DatabaseSync): number {
  return Number(database.prepare("PRAGMA user_version").get()?.user_version ?? 0);
}

function migrate(database: DatabaseSync, migrations: readonly string[], from: number): void {
  for (const [index, sql] of migrations.entries()) {
    if (index < from) continue;
    database.exec("BEGIN IMMEDIATE");
    try {
      database.exec(sql);
      database.exec(`PRAGMA user_version=${index + 1}`);
      database.exec("COMMIT");
    } catch (error) {
      if (database.isTransaction) database.exec("ROLLBACK");
      throw error;
    }
  }
}

/** Primary result codes of SQLite (sqlite.org/rescode.html). */
const BUSY = 5;
const LOCKED = 6;
const GENERIC = 1;
const CORRUPT = 11;
const NOT_A_DATABASE = 26;

/** What is wrong with the database behind an error of SQLite or of the file system. */
export function whyUnusable(error: unknown): Unusable {
  const code = error instanceof Error && "errcode" in error ? Number(error.errcode) & 0xff : null;
  if (code === BUSY || code === LOCKED) return "locked";
  // A generic error here is a statement that does not fit the tables: not ours, or not whole.
  return code === CORRUPT || code === NOT_A_DATABASE || code === GENERIC ? "corrupt" : "unwritable";
}
