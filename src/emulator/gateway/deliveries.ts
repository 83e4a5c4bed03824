import type { Buffer } from "node:buffer";
import { monotonicMs } from "../../lib/clock.ts";
import type { Broker } from "../broker/broker.ts";
import type { Message } from "../broker/message.ts";
import { Timers } from "../timers.ts";
import { encode } from "./connack.ts";
import type { ConnectRequest } from "./connect-request.ts";
import { publishPacket } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { Throughput } from "./throughput.ts";

/** What waits for a slow connection's turn; QoS 0 beyond it is lost. */
const MAX_WAITING_BYTES = 4 * 1024 * 1024;
/** Where a packet has a message id, it takes two bytes, whatever the id. */
const ANY_ID = 1;

export interface DeliveriesOptions {
  readonly broker: Broker;
  readonly request: ConnectRequest;
  readonly bytesPerSecond: number;
  readonly write: (packet: Buffer) => void;
}

/** Messages on their way to one client, within its limits and the connection's throughput. */
export class Deliveries {
  readonly #broker: Broker;
  readonly #request: ConnectRequest;
  readonly #write: (packet: Buffer) => void;
  readonly #outbox: Outbox;
  readonly #throughput: Throughput;
  readonly #timers = new Timers();
  #waiting: Buffer[] = [];
  #waitingBytes = 0;

  constructor({ broker, request, bytesPerSecond, write }: DeliveriesOptions) {
    this.#broker = broker;
    this.#request = request;
    this.#write = write;
    this.#throughput = new Throughput(bytesPerSecond, monotonicMs);
    this.#outbox = new Outbox(request.receiveMaximum, (message, id) => this.#send(message, id));
  }

  add(message: Message): void {
    // One that the client does not take counts as delivered (MQTT-3.1.2-25).
    if (this.#isTooLarge(message)) return;
    if (message.qos === 1) this.#outbox.add(message);
    else if (this.#waitingBytes < MAX_WAITING_BYTES) this.#send(message, null);
  }

  acknowledge(messageId: number): void {
    this.#outbox.acknowledge(messageId, (waiting) => this.#broker.due(waiting));
  }

  /** Sends nothing any more. Answers what the client has not acknowledged, in order: its session keeps it. */
  stop(): readonly Message[] {
    this.#timers.clear();
    this.#waiting = [];
    return this.#outbox.unacknowledged();
  }

  #send(message: Message, messageId: number | null): void {
    const packet = this.#encode(message, messageId);
    this.#waiting.push(packet);
    this.#waitingBytes += packet.length;
    if (this.#waiting.length === 1) this.#flush();
  }

  #flush(): void {
    for (let packet = this.#waiting[0]; packet !== undefined; packet = this.#waiting[0]) {
      const { waitMs } = this.#throughput;
      if (waitMs > 0) {
        this.#timers.after(waitMs, () => this.#flush());
        return;
      }
      this.#waiting.shift();
      this.#waitingBytes -= packet.length;
      this.#throughput.spend(packet.length);
      this.#write(packet);
    }
  }

  #isTooLarge(message: Message): boolean {
    const { maximumPacketBytes } = this.#request;
    if (maximumPacketBytes === Number.POSITIVE_INFINITY) return false;
    return this.#encode(message, message.qos === 1 ? ANY_ID : null).length > maximumPacketBytes;
  }

  #encode(message: Message, messageId: number | null): Buffer {
    const { version } = this.#request;
    return encode(publishPacket(message, messageId, version === 5), version);
  }
}
