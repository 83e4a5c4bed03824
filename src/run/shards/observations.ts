import type { Observer } from "../../model/ports.ts";
import type { Observation } from "../../model/shard.ts";

/** What building blocks of a check tell about themselves. */
export interface CheckObserver extends Observer {
  credentialExpiry(event: { readonly cohort: string; readonly expiresAtMs: number }): void;
}

const FLUSH_AFTER_MS = 200;
const MOST_HELD = 500;

/** Collects what a worker observes, to be told elsewhere in few messages. */
export class ObservationBatch implements CheckObserver, Disposable {
  readonly #send: (observations: readonly Observation[]) => void;
  #held: Observation[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(send: (observations: readonly Observation[]) => void) {
    this.#send = send;
  }

  awsRequest(event: Parameters<Observer["awsRequest"]>[0]): void {
    this.#add({ kind: "aws-request", ...event });
  }

  budgetUsed(event: Parameters<Observer["budgetUsed"]>[0]): void {
    this.#add({ kind: "budget-used", ...event });
  }

  credentialFailure(event: Parameters<Observer["credentialFailure"]>[0]): void {
    this.#add({ kind: "credential-failure", ...event });
  }

  credentialExpiry(event: Parameters<CheckObserver["credentialExpiry"]>[0]): void {
    this.#add({ kind: "credential-expiry", ...event });
  }

  flush(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (this.#held.length > 0) this.#send(this.#held);
    this.#held = [];
  }

  [Symbol.dispose](): void {
    this.flush();
  }

  #add(observation: Observation): void {
    this.#held.push(observation);
    if (this.#held.length >= MOST_HELD) this.flush();
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER_MS);
  }
}

/** Counts what a worker observed as if it had happened here. */
export function observe(observer: CheckObserver, observation: Observation): void {
  switch (observation.kind) {
    case "aws-request":
      observer.awsRequest(observation);
      return;
    case "budget-used":
      observer.budgetUsed(observation);
      return;
    case "credential-failure":
      observer.credentialFailure(observation);
      return;
    case "credential-expiry":
      observer.credentialExpiry(observation);
      return;
  }
}
