import type { DatabaseSync } from "node:sqlite";

/** Connections of derived checks, so that what an identity was spent on lately is known to the next process too. */
export class DerivedUses {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  /** Oldest first. `atMs`: since the epoch. Throws what SQLite throws, as `add` does. */
  all(): { readonly identity: string; readonly atMs: number }[] {
    const rows = this.#database.prepare("SELECT identity, at_ms FROM derived_uses ORDER BY at_ms").all();
    return rows.map(({ identity, at_ms }) => ({ identity: String(identity), atMs: Number(at_ms) }));
  }

  /** One use of each identity; those up to `forgetBeforeMs` go. */
  add(identities: readonly string[], atMs: number, forgetBeforeMs: number): void {
    this.#database.prepare("DELETE FROM derived_uses WHERE at_ms <= ?").run(Math.round(forgetBeforeMs));
    const insert = this.#database.prepare("INSERT INTO derived_uses (identity, at_ms) VALUES (?, ?)");
    for (const identity of identities) insert.run(identity, Math.round(atMs));
  }
}
