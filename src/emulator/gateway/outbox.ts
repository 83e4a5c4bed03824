import type { Message } from "../broker/message.ts";

/** AWS keeps at most this many QoS 1 messages unacknowledged with a client (quota page). */
const MAX_IN_FLIGHT = 100;
/** A client that does not acknowledge loses what comes beyond. */
const MAX_WAITING = 1000;

/** QoS 1 messages on their way to one client: numbered, kept until acknowledged, the rest waiting in line. */
export class Outbox {
  readonly #send: (message: Message, messageId: number) => void;
  readonly #limit: number;
  readonly #inFlight = new Map<number, Message>();
  readonly #waiting: Message[] = [];
  #lastId = 0;

  /** @param receiveMaximum what the client takes at once */
  constructor(receiveMaximum: number, send: (message: Message, messageId: number) => void) {
    this.#limit = Math.max(1, Math.min(MAX_IN_FLIGHT, receiveMaximum));
    this.#send = send;
  }

  add(message: Message): void {
    if (this.#inFlight.size >= this.#limit) {
      if (this.#waiting.length < MAX_WAITING) this.#waiting.push(message);
      return;
    }
    const messageId = this.#nextId();
    this.#inFlight.set(messageId, message);
    this.#send(message, messageId);
  }

  /** @param due what is sent of a message that has waited; null: it has expired */
  acknowledge(messageId: number, due: (message: Message) => Message | null = (message) => message): void {
    if (!this.#inFlight.delete(messageId)) return;
    let next: Message | null = null;
    while (next === null && this.#waiting.length > 0) {
      const waiting = this.#waiting.shift();
      next = waiting === undefined ? null : due(waiting);
    }
    if (next !== null) this.add(next);
  }

  /** What the client has not acknowledged, in order: the session keeps it. */
  unacknowledged(): readonly Message[] {
    const sent = [...this.#inFlight.values()].map((message): Message => ({ ...message, dup: true }));
    return [...sent, ...this.#waiting];
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#inFlight.has(this.#lastId));
    return this.#lastId;
  }
}
