import type { Message } from "../broker/broker.ts";

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

  acknowledge(messageId: number): void {
    if (!this.#inFlight.delete(messageId)) return;
    const next = this.#waiting.shift();
    if (next !== undefined) this.add(next);
  }

  /** What the client has not acknowledged, in order: the session keeps it. */
  unacknowledged(): readonly Message[] {
    return [...this.#inFlight.values(), ...this.#waiting];
  }

  #nextId(): number {
    do this.#lastId = (this.#lastId % 65_535) + 1;
    while (this.#inFlight.has(this.#lastId));
    return this.#lastId;
  }
}
