import type { Duplex } from "node:stream";
import { type IClientOptions, MqttClient, type Packet, type PacketCallback, Store } from "mqtt";
import { errorMessage } from "../lib/errors.ts";
import type { ConnectFields } from "../model/context.ts";
import { connectOptions } from "./connect-packet.ts";

/** The longest a timer can be set to: an attempt has its own. */
const NEVER_MS = 2 ** 31 - 1;

/** One connection, and nothing that nobody asked for: no reconnect, no ping, no queue. */
const QUIET: IClientOptions = {
  reconnectPeriod: 0,
  resubscribe: false,
  queueQoSZero: false,
  manualConnect: true,
  connectTimeout: NEVER_MS,
  // Of the keep-alive: without answer to its ping MQTT.js would hang up.
  timerVariant: { set: () => 0, clear: () => {} },
  // Its own logger prints options, user name included.
  log: () => {},
};

/** How MQTT.js is told not to acknowledge a message, and what it then reports as an error. */
const NOT_OURS = new Error("not acknowledged");

export interface ClientEvents {
  readonly sent: (packet: Packet) => void;
  /** Before MQTT.js acts on it. */
  readonly received: (packet: Packet) => void;
  /** The CONNACK has let us in: from now on something may be sent. */
  readonly connected: () => void;
  /** The gateway sent what cannot be parsed or what it must not send. */
  readonly violated: (reason: string) => void;
}

/**
 * MQTT.js, held to what a probe may do. It speaks over `stream`, and acknowledges nothing by itself: neither PUBACK
 * nor PUBREC, PUBREL or PUBCOMP are sent, but for PUBACK where `acknowledge` asks for it.
 */
export class ProbeClient {
  readonly #client: MqttClient;
  readonly #ours = new WeakSet<object>();

  constructor(stream: Duplex, connect: ConnectFields, on: ClientEvents) {
    const options = { ...QUIET, ...connectOptions(connect), incomingStore: new ReleasedStore() };
    const client = new MqttClient(() => stream, options);
    // Not among the options: MQTT.js takes it from there for MQTT 5 only.
    client.options.customHandleAcks = (_topic, _message, packet: Packet, acknowledge) =>
      acknowledge(this.#ours.has(packet) ? 0 : NOT_OURS);
    client.handleMessage = (packet, handled) => handled(this.#ours.has(packet) ? undefined : NOT_OURS);
    client.on("packetsend", on.sent);
    client.on("packetreceive", (packet) => {
      // To our QoS 1 the only answer is PUBACK; this one would be followed by PUBREL.
      if (packet.cmd === "pubrec") client.removeOutgoingMessage(packet.messageId ?? 0);
      on.received(packet);
    });
    client.on("error", (error) => {
      if (error !== NOT_OURS) on.violated(errorMessage(error));
    });
    client.once("connect", on.connected);
    this.#client = client;
  }

  /** Sends CONNECT. */
  connect(): void {
    this.#client.connect();
  }

  /** With QoS 0, and without what is retained there (MQTT 5). Answers the packet identifier, as `publish` does. */
  subscribe(filter: string): number {
    this.#client.subscribe(filter, { qos: 0, rh: 2 });
    return this.#client.getLastMessageId();
  }

  unsubscribe(filter: string): void {
    this.#client.unsubscribe(filter);
  }

  /** With QoS 1, once, not retained. */
  publish(topic: string, payload: string): number {
    this.#client.publish(topic, payload, { qos: 1, retain: false });
    return this.#client.getLastMessageId();
  }

  /** Lets PUBACK be sent for a message; to be said while it is `received`. */
  acknowledge(message: Packet): void {
    this.#ours.add(message);
  }
}

/**
 * MQTT.js answers PUBREL with PUBCOMP, unless it finds the message that is released and `handleMessage` refuses it.
 * So one is found, whatever is released.
 */
class ReleasedStore extends Store {
  override get({ messageId }: Pick<Packet, "messageId">, found: PacketCallback): this {
    found(undefined, { cmd: "pubrel", ...(messageId === undefined ? {} : { messageId }) });
    return this;
  }
}
