import { createHash, createHmac } from "node:crypto";
import { Agent, request } from "undici";
import { readBoundedFile } from "../lib/bounded-file.ts";
import { sleep, wallMs } from "../lib/clock.ts";
import { errorCode, errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import { USER_AGENT } from "../lib/user-agent.ts";
import type { Delivery, Notification, Outbox, WebhookConfig } from "../model/notification.ts";

export interface WebhookOptions {
  readonly hooks: readonly WebhookConfig[];
  readonly log: Log;
  /** null: what is not delivered when the process ends is lost. */
  readonly outbox: Outbox | null;
  /** Waits before each repetition, ms. */
  readonly backoffMs?: readonly number[];
}

/** About four minutes in all: a receiver that is being redeployed comes back. */
const BACKOFF_MS = [1_000, 5_000, 30_000, 60_000, 120_000];
const TIMEOUT_MS = 10_000;
const MAX_KEY_BYTES = 4096;
/** Deliveries that wait for a receiver which does not answer; beyond them the oldest is given up. */
const MAX_WAITING = 100;

/**
 * Posts decisions that changed, and overrides. Each is signed: `X-Fleet-Smoke-Signature` is `sha256=` and the hexadecimal HMAC of
 * `<X-Fleet-Smoke-Timestamp>.<body>` under the hook's key; `X-Fleet-Smoke-Delivery` stays the same when it is
 * repeated, by a later process too: a receiver gets each at least once. It says so with 2xx; 4xx but 408 and 429 is
 * final, everything else is tried again. One hook's deliveries go out in their order.
 */
export class Webhooks implements AsyncDisposable {
  readonly #log: Log;
  readonly #outbox: Outbox | null;
  readonly #lines: readonly Line[];
  readonly #stop = new AbortController();
  readonly #agent = new Agent({ connect: { timeout: TIMEOUT_MS }, pipelining: 0, allowH2: false });

  constructor({ hooks, log, outbox, backoffMs = BACKOFF_MS }: WebhookOptions) {
    this.#log = log;
    this.#outbox = outbox;
    this.#lines = hooks.map((hook) => {
      const deliver = (each: Delivery) => this.#deliver(hook, each, backoffMs);
      return new Line(hook, deliver, (lost) => this.#giveUp(hook, lost, "too many wait"));
    });
  }

  /** Returns at once; never throws. */
  notify(notification: Notification): void {
    const body = JSON.stringify(notification);
    const id = createHash("sha256").update(body).digest("hex").slice(0, 32);
    const delivery = { id, suite: notification.suite, body };
    for (const line of this.#lines) {
      if (!isWanted(notification, line.hook)) continue;
      this.#keep("the history cannot take a webhook delivery", (outbox) =>
        outbox.add(nameOf(line.hook), delivery),
      );
      line.add(delivery);
    }
  }

  /** Goes on with what an earlier process did not deliver. Call it once, before any notification. */
  resume(): void {
    this.#keep("the history cannot be asked for webhook deliveries", (outbox) => {
      for (const { hook, ...delivery } of outbox.pending()) {
        const line = this.#lines.find((each) => nameOf(each.hook) === hook);
        if (line !== undefined) {
          line.add(delivery);
          continue;
        }
        const { id, suite } = delivery;
        this.#log.error({ delivery: id, suite, reason: "no such hook any more" }, "webhook not delivered");
        outbox.done(hook, id);
      }
    });
  }

  /** Waits for what is on its way, at most `ms`; what is not delivered then is logged. */
  async drain(ms: number): Promise<void> {
    const done = Promise.all(this.#lines.map((line) => line.idle()));
    const waited = new AbortController();
    await Promise.race([done, sleep(ms, waited.signal).catch(() => {})]);
    waited.abort();
    this.#stop.abort();
    await done;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.drain(0);
    await this.#agent.close();
  }

  async #deliver(hook: WebhookConfig, delivery: Delivery, backoffMs: readonly number[]): Promise<void> {
    for (const pauseMs of [0, ...backoffMs]) {
      if (pauseMs > 0 && !(await this.#pause(pauseMs))) break;
      const answer = await this.#attempt(hook, delivery);
      if (answer.kind === "delivered") return this.#settled(hook, delivery);
      if (answer.kind === "final") return this.#giveUp(hook, delivery, answer.reason);
      this.#log.warn({ ...about(hook, delivery), reason: answer.reason }, "webhook not delivered yet");
      if (this.#stop.signal.aborted) break;
    }
    if (!this.#stop.signal.aborted) this.#giveUp(hook, delivery, "tried often enough");
    else if (this.#outbox === null) this.#giveUp(hook, delivery, "stopped");
    else this.#log.warn(about(hook, delivery), "webhook not delivered: the next start tries again");
  }

  async #attempt(hook: WebhookConfig, { id, body }: Delivery): Promise<Answer> {
    const file = await readBoundedFile(hook.secretFile, MAX_KEY_BYTES);
    // A secret that is being rotated may be missing for a moment.
    if (file.kind === "unreadable") return { kind: "again", reason: `secretFile ${file.reason}` };
    const key = file.bytes.at(-1) === 0x0a ? file.bytes.subarray(0, -1) : file.bytes;
    if (key.length === 0) return { kind: "again", reason: "secretFile is empty" };
    const timestamp = String(Math.floor(wallMs() / 1000));
    const signature = createHmac("sha256", key).update(`${timestamp}.${body}`).digest("hex");
    try {
      const { statusCode, body: answer } = await request(hook.url, {
        method: "POST",
        headers: {
          "content-type": "application/json",
          "user-agent": USER_AGENT,
          "x-fleet-smoke-delivery": id,
          "x-fleet-smoke-timestamp": timestamp,
          "x-fleet-smoke-signature": `sha256=${signature}`,
        },
        body,
        dispatcher: this.#agent,
        signal: AbortSignal.any([this.#stop.signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      await answer.dump();
      return meaningOf(statusCode);
    } catch (error) {
      return { kind: "again", reason: errorCode(error) ?? errorMessage(error) };
    }
  }

  async #pause(ms: number): Promise<boolean> {
    return sleep(ms, this.#stop.signal).then(
      () => true,
      () => false,
    );
  }

  #giveUp(hook: WebhookConfig, delivery: Delivery, reason: string): void {
    this.#log.error({ ...about(hook, delivery), reason }, "webhook not delivered");
    this.#settled(hook, delivery);
  }

  #settled(hook: WebhookConfig, { id }: Delivery): void {
    this.#keep("the history cannot forget a webhook delivery", (outbox) => outbox.done(nameOf(hook), id));
  }

  #keep(problem: string, work: (outbox: Outbox) => void): void {
    try {
      if (this.#outbox !== null) work(this.#outbox);
    } catch (error) {
      this.#log.error({ error: errorMessage(error) }, problem);
    }
  }
}

function isWanted(notification: Notification, { on }: WebhookConfig): boolean {
  // Whoever set a hook up must learn that a gate was passed by hand, whatever else it is for.
  if (notification.event === "override") return true;
  return notification.decision !== notification.previous && on.includes(notification.decision);
}

type Answer = { readonly kind: "delivered" } | { readonly kind: "again" | "final"; readonly reason: string };

function meaningOf(status: number): Answer {
  if (status >= 200 && status < 300) return { kind: "delivered" };
  const isFinal = status < 500 && status !== 408 && status !== 429;
  return { kind: isFinal ? "final" : "again", reason: `HTTP ${status}` };
}

/** An address often carries a token, which is not kept. */
function nameOf({ url }: WebhookConfig): string {
  return createHash("sha256").update(url).digest("hex");
}

/** A hook's address often carries its token, so only its origin is told. */
function about({ url }: WebhookConfig, { id, suite }: Delivery): object {
  return { hook: new URL(url).origin, delivery: id, suite };
}

/** One hook's deliveries, one after the other. */
class Line {
  readonly hook: WebhookConfig;
  readonly #deliver: (delivery: Delivery) => Promise<void>;
  readonly #onLost: (delivery: Delivery) => void;
  readonly #waiting: Delivery[] = [];
  #working: Promise<void> | null = null;

  constructor(
    hook: WebhookConfig,
    deliver: (delivery: Delivery) => Promise<void>,
    onLost: (delivery: Delivery) => void,
  ) {
    this.hook = hook;
    this.#deliver = deliver;
    this.#onLost = onLost;
  }

  add(delivery: Delivery): void {
    this.#waiting.push(delivery);
    if (this.#waiting.length > MAX_WAITING) {
      const lost = this.#waiting.shift();
      if (lost) this.#onLost(lost);
    }
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  async idle(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let next = this.#waiting.shift(); next !== undefined; next = this.#waiting.shift()) {
      await this.#deliver(next);
    }
  }
}
