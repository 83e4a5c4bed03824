import { isDeepStrictEqual } from "node:util";
import type { Log } from "../../lib/log.ts";
import type { Notification, Outbox, WebhookConfig } from "../../model/notification.ts";
import { Webhooks } from "../../notify/webhooks.ts";

/** How long deliveries to hooks that left the configuration may still be tried. */
const LEFT_MS = 300_000;
/** Of the 10 s that a stop may take. */
const STOP_MS = 2_000;

/** The webhooks of the configuration that is in force. */
export class Hooks implements AsyncDisposable {
  readonly #log: Log;
  readonly #outbox: Outbox | null;
  #config: readonly WebhookConfig[];
  #webhooks: Webhooks;
  /** What an earlier configuration had to tell is still told. */
  readonly #leaving = new Set<Webhooks>();

  /** @param outbox null: nothing outlives the process */
  constructor(config: readonly WebhookConfig[], log: Log, outbox: Outbox | null) {
    this.#log = log;
    this.#outbox = outbox;
    this.#config = config;
    this.#webhooks = this.#open(config);
  }

  /** Goes on with what an earlier process did not deliver. Call it once, before anything is sent. */
  resume(): void {
    this.#webhooks.resume();
  }

  /** Returns at once; never throws. */
  send(notification: Notification): void {
    this.#webhooks.notify(notification);
  }

  reconfigure(config: readonly WebhookConfig[]): void {
    if (isDeepStrictEqual(config, this.#config)) return;
    const before = this.#webhooks;
    this.#config = config;
    this.#webhooks = this.#open(config);
    this.#leaving.add(before);
    void before.drain(LEFT_MS).then(async () => {
      if (this.#leaving.delete(before)) await before[Symbol.asyncDispose]();
    });
  }

  #open(hooks: readonly WebhookConfig[]): Webhooks {
    return new Webhooks({ hooks, log: this.#log, outbox: this.#outbox });
  }

  /** Delivers what it can in a short time. */
  async [Symbol.asyncDispose](): Promise<void> {
    const all = [this.#webhooks, ...this.#leaving];
    this.#leaving.clear();
    await Promise.all(
      all.map(async (each) => {
        await each.drain(STOP_MS);
        await each[Symbol.asyncDispose]();
      }),
    );
  }
}
