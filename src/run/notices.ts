import { wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Decision } from "../model/gate.ts";
import type { GateAnswer } from "../model/gate-answer.ts";
import type { Notification } from "../model/notification.ts";
import type { RunSummary } from "../model/run.ts";

export interface NoticesOptions {
  /** Which decision was told last outlives the process. */
  readonly store: {
    flag(name: string): string | null;
    setFlag(name: string, value: string | null): void;
  };
  /** Must not throw. */
  readonly send: (notification: Notification) => void;
  readonly log: Log;
}

interface Told {
  readonly runId: string;
  readonly decision: Decision;
}

/** Tells of decisions that changed and of overrides. Nothing here throws. */
export class Notices {
  readonly #options: NoticesOptions;
  /** By suite; the history may be unable to take it. */
  readonly #told = new Map<string, Told>();

  constructor(options: NoticesOptions) {
    this.#options = options;
  }

  /** A run of a whole suite has ended. */
  decided(summary: RunSummary, maxAgeMs: number): void {
    const { suite, runId, decision, reason, counts, decidedAt } = summary;
    if (summary.status !== "finished" || decision === null || decidedAt === null) return;
    const told = this.#lastTold(suite);
    if (told?.runId === runId) return;
    const previous = told?.decision ?? null;
    const expiresAt = new Date(Date.parse(decidedAt) + maxAgeMs).toISOString();
    const said = { suite, decision, previous, reason, runId, counts, decidedAt, expiresAt };
    this.#options.send({ event: "decision", ...said });
    this.#remember(suite, { runId, decision });
  }

  /**
   * The newest run that an earlier process finished: it may have ended before it told. Where none has ever told, the
   * decision is taken for known.
   */
  restored(summary: RunSummary, maxAgeMs: number): void {
    const { suite, runId, decision } = summary;
    if (this.#lastTold(suite) !== null) this.decided(summary, maxAgeMs);
    else if (decision !== null) this.#remember(suite, { runId, decision });
  }

  /** Somebody let an inconclusive decision pass. */
  overridden({ suite, runId, reason, override }: GateAnswer): void {
    if (runId === null || override === null) return;
    const overriddenAt = new Date(wallMs()).toISOString();
    const said = { suite, decision: "inconclusive", reason, runId, override, overriddenAt } as const;
    this.#options.send({ event: "override", ...said });
  }

  #lastTold(suite: string): Told | null {
    const known = this.#told.get(suite);
    if (known) return known;
    const kept = this.#options.store.flag(flagOf(suite));
    return kept === null ? null : (JSON.parse(kept) as Told);
  }

  #remember(suite: string, told: Told): void {
    this.#told.set(suite, told);
    try {
      this.#options.store.setFlag(flagOf(suite), JSON.stringify(told));
    } catch (error) {
      this.#options.log.error({ suite, error: errorMessage(error) }, "the history cannot take what was told");
    }
  }
}

function flagOf(suite: string): string {
  return `told of ${suite}`;
}
