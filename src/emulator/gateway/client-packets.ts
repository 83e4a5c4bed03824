import type { IPublishPacket, ISubscribePacket, IUnsubscribePacket, Packet } from "mqtt-packet";
import type { Session } from "../broker/broker.ts";
import type { Message } from "../broker/message.ts";
import type { Access } from "./access.ts";
import type { ConnectRequest } from "./connect-request.ts";
import type { Gateway } from "./link.ts";
import { Publishing } from "./publishing.ts";
import { CODE } from "./reason-codes.ts";
import { subscribe } from "./subscribe.ts";

/** What a client's packets need of its session. */
export interface PacketHost {
  /** Its policies as they are now. */
  readonly access: () => Access;
  readonly write: (packet: Packet) => void;
  readonly deliver: (message: Message) => void;
  /** Is there room left within the connection's rate? */
  readonly take: () => boolean;
  /** It did what its policies deny, and has to go; `close`: without a word, in MQTT 5 too. */
  readonly expel: (how: "disconnect" | "close") => void;
}

/** Answers what a client publishes and subscribes, as policies, limits and switches say. */
export class ClientPackets {
  readonly #gateway: Gateway;
  readonly #request: ConnectRequest;
  readonly #session: Session;
  readonly #host: PacketHost;
  readonly #publishing: Publishing;

  constructor(gateway: Gateway, request: ConnectRequest, session: Session, host: PacketHost) {
    this.#gateway = gateway;
    this.#request = request;
    this.#session = session;
    this.#host = host;
    this.#publishing = new Publishing(request.version === 5, host.take);
  }

  /** Throws ProtocolError for what ends the connection. */
  publish(packet: IPublishPacket): void {
    const { deniedPublish311, deniedPublish5, excessPublish5 } = this.#gateway.account.behaviours;
    const published = this.#publishing.read(packet, this.#host.access());
    switch (published.kind) {
      case "accepted":
        this.#gateway.broker.publish(published.message, this.#request.clientId);
        this.#acknowledge(packet, CODE.success);
        break;
      case "denied": {
        const how = this.#isFive ? deniedPublish5 : deniedPublish311;
        if (how !== "keep") this.#host.expel(how);
        else if (this.#isFive) this.#acknowledge(packet, CODE.notAuthorized);
        break;
      }
      case "excess":
        if (this.#isFive && excessPublish5 === "puback") this.#acknowledge(packet, CODE.quota);
        break;
      default:
        break;
    }
  }

  /** Throws ProtocolError for what ends the connection. */
  subscribe(packet: ISubscribePacket): void {
    const { deniedSubscribe311, deniedSubscribe5 } = this.#gateway.account.behaviours;
    const how = this.#isFive ? deniedSubscribe5 : deniedSubscribe311;
    const answer = subscribe(packet, this.#session, this.#host.access(), this.#isFive);
    if (answer === null) return;
    if (how !== "keep" && answer.isDenied) {
      this.#host.expel(how);
      return;
    }
    this.#host.write({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [...answer.granted] });
    for (const { filter, qos } of answer.fresh) this.#sendRetained(filter, qos);
  }

  unsubscribe({ unsubscriptions, messageId = 0 }: IUnsubscribePacket): void {
    for (const filter of unsubscriptions) this.#session.subscriptions.delete(filter);
    this.#host.write({ cmd: "unsuback", messageId, granted: unsubscriptions.map(() => CODE.success) });
  }

  #acknowledge({ qos, messageId = 0 }: IPublishPacket, reasonCode: number): void {
    if (qos === 1) this.#host.write({ cmd: "puback", messageId, reasonCode });
  }

  #sendRetained(filter: string, qos: 0 | 1): void {
    for (const message of this.#gateway.broker.retainedFor(filter)) {
      this.#host.deliver({ ...message, retain: true, qos: message.qos === 1 ? qos : 0 });
    }
  }

  get #isFive(): boolean {
    return this.#request.version === 5;
  }
}
