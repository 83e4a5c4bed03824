import { wallMs } from "../../lib/clock.ts";
import type { RunPacer } from "../pacer.ts";
import type { Ask, ToParent, ToWorker } from "./messages.ts";

/** A token that is used later than this makes a burst of those that were late together. */
const VOID_AFTER_MS = 50;

/** A worker's view of its parent's pacer. */
export class RemotePacer {
  readonly #send: (message: ToParent) => void;
  readonly #waiting = new Map<number, (atMs: number) => void>();
  #nextId = 0;

  constructor(send: (message: ToParent) => void) {
    this.#send = send;
  }

  /** What its parent answers. */
  granted({ id, atMs }: Extract<ToWorker, { readonly kind: "granted" }>): void {
    this.#waiting.get(id)?.(atMs);
  }

  get pacer(): RunPacer {
    return {
      take: async (target, operation, signal) => {
        const release = await this.#ask({ kind: "take", target: target.name, operation }, signal);
        release();
      },
      connect: (target, clientId, signal) =>
        this.#ask({ kind: "connect", target: target.name, clientId }, signal),
      throttled: (target, operation) => this.#send({ kind: "throttled", target: target.name, operation }),
      setTargets: () => {},
      setAccountLimits: () => {},
      isConnecting: () => false,
    };
  }

  /** Answers how to end what was granted. */
  async #ask(ask: Ask, signal: AbortSignal): Promise<() => void> {
    for (;;) {
      const id = this.#nextId++;
      const release = once(() => this.#send({ kind: "release", id }));
      const atMs = await this.#granted(id, ask, signal, release);
      if (wallMs() - atMs <= VOID_AFTER_MS) return release;
      release();
    }
  }

  #granted(id: number, ask: Ask, signal: AbortSignal, release: () => void): Promise<number> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(signal.reason);
        return;
      }
      const onAbort = () => {
        this.#waiting.delete(id);
        release();
        reject(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.set(id, (atMs) => {
        this.#waiting.delete(id);
        signal.removeEventListener("abort", onAbort);
        resolve(atMs);
      });
      this.#send({ kind: "ask", id, ask });
    });
  }
}

function once(work: () => void): () => void {
  let isDone = false;
  return () => {
    if (isDone) return;
    isDone = true;
    work();
  };
}
