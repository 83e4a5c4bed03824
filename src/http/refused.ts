import type { FastifyRequest } from "fastify";
import { monotonicMs } from "../lib/clock.ts";
import { ANONYMOUS, actorOf } from "./actor.ts";
import { routeOf } from "./errors.ts";
import type { AuditPort } from "./ports.ts";

/** Entries a minute; whoever knocks all the time must not fill the disk. */
const PER_MINUTE = 20;
const MINUTE_MS = 60_000;

/** Nobody was kept from anything: a gate's answer (412), a path that is not there. */
const NO_REFUSAL: ReadonlySet<number> = new Set([404, 405, 412]);

/** Notes requests that were refused: the first ones of each minute one by one, the rest counted. */
export class RefusedRequests {
  readonly #audit: AuditPort;
  #sinceMs = Number.NEGATIVE_INFINITY;
  #noted = 0;
  #counted = 0;

  constructor(audit: AuditPort) {
    this.#audit = audit;
  }

  answered(request: FastifyRequest, status: number): void {
    if (status < 400 || status >= 500 || NO_REFUSAL.has(status)) return;
    this.#turnMinute();
    if (this.#noted >= PER_MINUTE) {
      this.#counted += 1;
      return;
    }
    this.#noted += 1;
    const { method, ip } = request;
    this.#audit.note(actorOf(request), "refused", `${method} ${routeOf(request)} from ${ip}: ${status}`);
  }

  /** Tells what was counted only. */
  end(): void {
    if (this.#counted > 0)
      this.#audit.note(ANONYMOUS, "refused", `${this.#counted} more requests within a minute`);
    this.#counted = 0;
  }

  #turnMinute(): void {
    if (monotonicMs() - this.#sinceMs < MINUTE_MS) return;
    this.end();
    this.#sinceMs = monotonicMs();
    this.#noted = 0;
  }
}
