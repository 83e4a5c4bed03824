import { wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { Pause } from "../model/pause.ts";

/** Where a pause is kept, so that it outlives the process. */
export interface PauseStore {
  flag(name: string): string | null;
  setFlag(name: string, value: string | null): void;
}

/** What is paused, and for how long. */
export interface PauseGate {
  paused(): Pause | null;
  /** Resolves when nothing is paused; throws the signal's reason when aborted. */
  passed(signal: AbortSignal): Promise<void>;
}

const FLAG = "paused";

/** Holds back every new connection and call of this process while it is on. */
export class PauseSwitch implements PauseGate {
  readonly #store: PauseStore;
  readonly #log: Log;
  readonly #onChange: (isPaused: boolean) => void;
  #pause: Pause | null = null;
  #waiting: Waiting | null = null;
  #begun = new AbortController();

  /** @param onChange called with the first state too; must not throw */
  constructor(store: PauseStore, log: Log, onChange: (isPaused: boolean) => void) {
    this.#store = store;
    this.#log = log;
    this.#onChange = onChange;
    const kept = store.flag(FLAG);
    this.#set(kept === null ? null : (JSON.parse(kept) as Pause));
    if (this.#pause !== null) log.warn(this.#pause, "still paused");
  }

  paused(): Pause | null {
    return this.#pause;
  }

  /** Aborted when the next pause begins, and during one: for looks that somebody waits for. */
  get begun(): AbortSignal {
    return this.#begun.signal;
  }

  /** Paused already: the first one stays. */
  pause(actor: string, reason: string): Pause {
    if (this.#pause !== null) return this.#pause;
    const pause = { actor, reason, since: new Date(wallMs()).toISOString() };
    this.#set(pause);
    this.#keep(JSON.stringify(pause));
    return pause;
  }

  resume(): void {
    if (this.#pause === null) return;
    this.#set(null);
    this.#keep(null);
  }

  async passed(signal: AbortSignal): Promise<void> {
    // It may begin again before who waited gets on.
    while (this.#waiting !== null) await this.#waiting.over(signal);
  }

  #set(pause: Pause | null): void {
    this.#pause = pause;
    const before = this.#waiting;
    this.#waiting = pause === null ? null : new Waiting();
    before?.end();
    if (pause !== null) this.#begun.abort(new Error(pauseText(pause)));
    else if (this.#begun.signal.aborted) this.#begun = new AbortController();
    this.#onChange(pause !== null);
  }

  #keep(value: string | null): void {
    try {
      this.#store.setFlag(FLAG, value);
    } catch (error) {
      this.#log.error(
        { error: errorMessage(error) },
        "the history cannot take the pause: a restart forgets it",
      );
    }
  }
}

/** All who wait for the end of one pause. */
class Waiting {
  readonly #resolves = new Set<() => void>();

  over(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const done = () => {
        signal.removeEventListener("abort", onAbort);
        resolve();
      };
      const onAbort = () => {
        this.#resolves.delete(done);
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#resolves.add(done);
    });
  }

  end(): void {
    for (const resolve of this.#resolves) resolve();
    this.#resolves.clear();
  }
}

/** For processes that nobody pauses. */
export const NEVER_PAUSED: PauseGate = { paused: () => null, passed: () => Promise.resolve() };

/** `paused by ops since 2026-11-23T05:00:00.000Z: maintenance` */
export function pauseText({ actor, reason, since }: Pause): string {
  return `paused by ${actor} since ${since}${reason === "" ? "" : `: ${reason}`}`;
}
