import { wallMs } from "../../lib/clock.ts";
import type { Pacer } from "../../model/ports.ts";
import type { Target } from "../../model/target.ts";
import type { Ask, ToParent, ToWorker } from "./messages.ts";

interface Asked {
  readonly waiting: AbortController;
  /** Ends the connection that was granted; null: it was not yet, or there is none to end. */
  release: (() => void) | null;
}

/** One worker's share of the budgets and client ids that its parent holds. */
export class Grants {
  readonly #pacer: Pacer;
  readonly #targets: ReadonlyMap<string, Target>;
  readonly #send: (message: ToWorker) => void;
  readonly #asked = new Map<number, Asked>();

  /** @param targets by name */
  constructor(pacer: Pacer, targets: ReadonlyMap<string, Target>, send: (message: ToWorker) => void) {
    this.#pacer = pacer;
    this.#targets = targets;
    this.#send = send;
  }

  take(message: Extract<ToParent, { readonly kind: "ask" | "release" | "throttled" }>): void {
    if (message.kind === "ask") void this.#wait(message.id, message.ask);
    else if (message.kind === "release") this.#end(message.id);
    else this.#pacer.throttled(this.#target(message.target), message.operation);
  }

  /** The worker is gone, and all its connections with it. */
  close(): void {
    for (const id of this.#asked.keys()) this.#end(id);
  }

  async #wait(id: number, ask: Ask): Promise<void> {
    const asked: Asked = { waiting: new AbortController(), release: null };
    this.#asked.set(id, asked);
    try {
      asked.release = await this.#pace(ask, asked.waiting.signal);
    } catch (error) {
      if (asked.waiting.signal.aborted) return;
      throw error;
    }
    if (asked.waiting.signal.aborted) asked.release?.();
    else this.#send({ kind: "granted", id, atMs: wallMs() });
  }

  async #pace(ask: Ask, signal: AbortSignal): Promise<(() => void) | null> {
    const target = this.#target(ask.target);
    if (ask.kind === "connect") return this.#pacer.connect(target, ask.clientId, signal);
    await this.#pacer.take(target, ask.operation, signal);
    return null;
  }

  #end(id: number): void {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    asked?.waiting.abort(new Error("the worker waits no more"));
    asked?.release?.();
  }

  #target(name: string): Target {
    const target = this.#targets.get(name);
    if (target === undefined) throw new Error(`unknown target ${name}`);
    return target;
  }
}
