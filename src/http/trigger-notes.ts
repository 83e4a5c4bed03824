import type { AuditPort } from "./ports.ts";

/** Pairs of caller and run that were noted lately. */
const MAX_NOTED = 1000;

/** Notes who asked for a run, once for each caller and run: a gate is polled until its run has ended. */
export class TriggerNotes {
  readonly #audit: AuditPort;
  readonly #noted = new Set<string>();

  constructor(audit: AuditPort) {
    this.#audit = audit;
  }

  /** @param how for example `suite pre-rollout over the API` */
  note(actor: string, runId: string, how: string): void {
    const pair = JSON.stringify([actor, runId]);
    if (this.#noted.has(pair)) return;
    if (this.#noted.size >= MAX_NOTED) this.#noted.clear();
    this.#noted.add(pair);
    this.#audit.note(actor, "trigger", `${how}, run ${runId}`);
  }
}
