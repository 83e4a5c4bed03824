import { wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { AuditEntry } from "../model/history.ts";

/** What asks for a run may be as long as a request; who reads the log wants a line. */
const MAX_DETAIL = 500;

/** Who did what, and why: in the history, and in the log, which may be all that is left of it. Nothing here throws. */
export class Audit {
  readonly #history: { audit(entry: AuditEntry): void };
  readonly #log: Log;

  constructor(history: { audit(entry: AuditEntry): void }, log: Log) {
    this.#history = history;
    this.#log = log;
  }

  note(actor: string, action: string, detail: string): void {
    const short = detail.length > MAX_DETAIL ? `${detail.slice(0, MAX_DETAIL - 1)}…` : detail;
    const entry = { actor, action, detail: short };
    this.#log.info(entry, "audit");
    try {
      this.#history.audit({ ...entry, atMs: wallMs() });
    } catch (error) {
      this.#log.error({ error: errorMessage(error) }, "the history cannot take an audit entry");
    }
  }
}
