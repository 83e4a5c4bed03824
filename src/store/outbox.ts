import type { DatabaseSync } from "node:sqlite";
import type { Delivery, Outbox as OutboxPort } from "../model/notification.ts";

/** Deliveries on their way, in the order they were added. Methods throw what SQLite throws. */
export class Outbox implements OutboxPort {
  readonly #database: DatabaseSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
  }

  add(hook: string, { id, suite, body }: Delivery): void {
    this.#database
      .prepare("INSERT INTO deliveries (hook, id, suite, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING")
      .run(hook, id, suite, body);
  }

  done(hook: string, id: string): void {
    this.#database.prepare("DELETE FROM deliveries WHERE hook = ? AND id = ?").run(hook, id);
  }

  pending(): (Delivery & { readonly hook: string })[] {
    const rows = this.#database.prepare("SELECT hook, id, suite, body FROM deliveries ORDER BY seq").all();
    return rows.map(({ hook, id, suite, body }) => ({
      hook: String(hook),
      id: String(id),
      suite: String(suite),
      body: String(body),
    }));
  }
}
