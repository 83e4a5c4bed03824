import type { AuditPort, ControlPort, ReloadAnswer } from "../../http/ports.ts";
import { errorMessage } from "../../lib/errors.ts";
import type { Log } from "../../lib/log.ts";
import type { Metrics } from "../../metrics/metrics.ts";
import type { Pause } from "../../model/pause.ts";
import type { PauseSwitch } from "../../run/pause.ts";
import type { Prepared } from "./reload.ts";
import type { Setup } from "./setup.ts";

export interface ControlOptions {
  readonly pause: PauseSwitch;
  readonly audit: AuditPort;
  readonly metrics: Metrics;
  readonly log: Log;
  readonly prepare: () => Promise<Prepared>;
  /** Puts it in force; cannot fail. */
  readonly takeOver: (setup: Setup, commitHttp: () => void) => Promise<void>;
}

/** Pause, resume and reload, by whoever may and by signals. */
export class Control implements ControlPort, AsyncDisposable {
  readonly #options: ControlOptions;
  #reloading: Promise<ReloadAnswer> | null = null;
  #isStopping = false;

  constructor(options: ControlOptions) {
    this.#options = options;
  }

  paused(): Pause | null {
    return this.#options.pause.paused();
  }

  pause(actor: string, reason: string): Pause {
    const { pause, audit } = this.#options;
    const already = pause.paused() !== null;
    audit.note(actor, "pause", already ? `${reason} (it was paused already)`.trim() : reason);
    return pause.pause(actor, reason);
  }

  resume(actor: string): void {
    const { pause, audit } = this.#options;
    audit.note(actor, "resume", pause.paused() === null ? "it was not paused" : "");
    pause.resume();
  }

  async reload(actor: string): Promise<ReloadAnswer> {
    if (this.#isStopping) return { kind: "busy", reason: "the daemon is stopping" };
    if (this.#reloading !== null) return { kind: "busy", reason: "a reload is under way" };
    this.#reloading = this.#reload(actor);
    try {
      return await this.#reloading;
    } finally {
      this.#reloading = null;
    }
  }

  /** Begins no further reload, and waits for one that is under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopping = true;
    await this.#reloading;
  }

  async #reload(actor: string): Promise<ReloadAnswer> {
    const { audit, metrics, log, prepare, takeOver } = this.#options;
    const prepared = await prepare().catch((error: unknown): Prepared => {
      // Broken off by a stop, or a bug: in both cases the old configuration stays.
      return { kind: "rejected", problems: [errorMessage(error)] };
    });
    if (prepared.kind === "rejected") {
      const { problems } = prepared;
      metrics.configReloaded(false);
      log.error({ problems }, "the configuration was not taken; the old one stays");
      audit.note(actor, "reload", `refused: ${problems[0] ?? "unknown"}`);
      return { kind: "rejected", problems };
    }
    await takeOver(prepared.setup, prepared.commitHttp);
    metrics.configReloaded(true);
    audit.note(actor, "reload", "");
    return { kind: "reloaded" };
  }
}
