import { Buffer } from "node:buffer";
import type {
  IDisconnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from "mqtt-packet";
import { assertNever } from "../../lib/errors.ts";
import type { Connection, Message, Session } from "../broker/broker.ts";
import { isTopic } from "../broker/topics.ts";
import { Timers } from "../timers.ts";
import type { Access } from "./access.ts";
import type { ConnectRequest, Entry } from "./admit.ts";
import { acceptedConnack, effectiveKeepAlive, encode, TOPIC_ALIAS_MAXIMUM } from "./connack.ts";
import { ProtocolError } from "./framing.ts";
import { Lifetime } from "./lifetime.ts";
import type { Gateway, MqttLink } from "./link.ts";
import { carried, willOf } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { CODE } from "./reason-codes.ts";
import { subscribe } from "./subscribe.ts";

/** Quota page. */
const MAX_PAYLOAD_BYTES = 128 * 1024;

/** A device that is let in: what it publishes and subscribes, until it goes or has to go. */
export class MqttSession implements Connection {
  readonly #gateway: Gateway;
  readonly #link: MqttLink;
  readonly #request: ConnectRequest;
  readonly #end: () => void;
  readonly #timers = new Timers();
  readonly #aliases = new Map<number, string>();
  readonly #outbox: Outbox;
  readonly #session: Session;
  readonly #lifetime: Lifetime;
  #access: Access;
  #will: Message | null;
  #willDelaySeconds = 0;
  #isOver = false;
  #cancelKeepAlive: () => void = () => {};

  /** Answers the CONNECT, takes over an older session of the client, and sends what was queued for it. */
  constructor(gateway: Gateway, link: MqttLink, request: ConnectRequest, entry: Entry, end: () => void) {
    this.#gateway = gateway;
    this.#link = link;
    this.#request = request;
    this.#end = end;
    this.#access = entry.access;
    this.#will = willOf(request);
    this.#willDelaySeconds = request.will?.properties?.willDelayInterval ?? 0;
    this.#outbox = new Outbox(request.receiveMaximum, (message, id) => this.#send(message, id));
    const { session, present } = gateway.broker.connect(request.clientId, this, {
      clean: request.clean,
      expirySeconds: request.sessionExpirySeconds,
    });
    this.#session = session;
    this.#write(acceptedConnack(request, present));
    this.#watchKeepAlive();
    this.#lifetime = new Lifetime(gateway, link, request, entry.admitted, {
      renewed: (access) => {
        this.#access = access;
      },
      ended: () => this.#disconnect(CODE.administrative),
    });
    for (const message of session.queue.splice(0)) this.deliver(message);
    gateway.signal.addEventListener("abort", this.#onStop, { once: true });
  }

  handle(packet: Packet): void {
    this.#watchKeepAlive();
    switch (packet.cmd) {
      case "publish":
        this.#publish(packet);
        break;
      case "puback":
        this.#outbox.acknowledge(packet.messageId ?? 0);
        break;
      case "subscribe":
        this.#subscribe(packet);
        break;
      case "unsubscribe":
        this.#unsubscribe(packet);
        break;
      case "pingreq":
        this.#write({ cmd: "pingresp" });
        break;
      case "disconnect":
        this.#left(packet);
        break;
      // A second CONNECT, what only servers send, QoS 2 and enhanced authentication.
      case "connect":
      case "connack":
      case "suback":
      case "unsuback":
      case "pingresp":
      case "pubrec":
      case "pubrel":
      case "pubcomp":
      case "auth":
        throw new ProtocolError(`unexpected ${packet.cmd}`, CODE.protocolError);
      default:
        assertNever(packet, "packet");
    }
  }

  deliver(message: Message): boolean {
    if (this.#isOver) return false;
    // Without iot:Receive a message is silently not delivered (DG iot-policy-actions).
    if (!this.#access.allows("Receive", `topic/${message.topic}`)) return false;
    if (message.qos === 1) this.#outbox.add(message);
    else this.#send(message, null);
    return true;
  }

  takenOver(): void {
    this.#disconnect(CODE.takenOver);
  }

  protocolError(code: number): void {
    this.#disconnect(code);
  }

  /** The connection is gone, in whatever way. */
  closed(): void {
    this.#over();
    this.#session.queue.unshift(...this.#outbox.unacknowledged());
    this.#gateway.broker.disconnect(this.#session, this);
    const will = this.#will;
    if (will === null) return;
    this.#will = null;
    const publish = () => this.#gateway.broker.publish(will, this.#request.clientId);
    if (this.#willDelaySeconds > 0) this.#gateway.broker.later(this.#willDelaySeconds, publish);
    else publish();
  }

  readonly #onStop = (): void => {
    // The emulator's own end is nobody's last will.
    this.#will = null;
    this.#disconnect(CODE.shuttingDown);
  };

  #publish(packet: IPublishPacket): void {
    const { qos, retain, messageId = 0 } = packet;
    const payload = Buffer.from(packet.payload as Buffer);
    if (payload.length > MAX_PAYLOAD_BYTES)
      throw new ProtocolError("the payload is too large", CODE.tooLarge);
    if (qos === 2) {
      // 3.1.1 has no word for it: it is never acknowledged (DG mqtt).
      if (this.#request.version === 5) throw new ProtocolError("QoS 2", CODE.qosUnsupported);
      return;
    }
    const topic = this.#topicOf(packet);
    if (!isTopic(topic)) throw new ProtocolError("the topic is not valid", CODE.badTopic);
    const isAllowed =
      this.#access.allows("Publish", `topic/${topic}`) &&
      (!retain || this.#access.allows("RetainPublish", `topic/${topic}`));
    if (!isAllowed) {
      this.#denyPublish(qos, messageId);
      return;
    }
    this.#gateway.broker.publish(
      { topic, payload, qos, retain, properties: carried(packet.properties) },
      this.#request.clientId,
    );
    if (qos === 1) this.#write({ cmd: "puback", messageId, reasonCode: CODE.success });
  }

  #denyPublish(qos: 0 | 1, messageId: number): void {
    const { deniedPublish311, deniedPublish5 } = this.#gateway.account.behaviours;
    const isFive = this.#request.version === 5;
    if ((isFive ? deniedPublish5 : deniedPublish311) === "disconnect") {
      this.#disconnect(CODE.notAuthorized);
    } else if (isFive && qos === 1) {
      this.#write({ cmd: "puback", messageId, reasonCode: CODE.notAuthorized });
    }
  }

  /** Resolves a topic alias (MQTT 5, 3.3.2.3.4). */
  #topicOf({ topic, properties }: IPublishPacket): string {
    const alias = properties?.topicAlias;
    if (alias === undefined) return topic;
    if (alias < 1 || alias > TOPIC_ALIAS_MAXIMUM) throw new ProtocolError("topic alias", CODE.aliasInvalid);
    if (topic !== "") this.#aliases.set(alias, topic);
    const resolved = this.#aliases.get(alias);
    if (resolved === undefined) throw new ProtocolError("unknown topic alias", CODE.protocolError);
    return resolved;
  }

  #subscribe(packet: ISubscribePacket): void {
    const isFive = this.#request.version === 5;
    const { deniedSubscribe311, deniedSubscribe5 } = this.#gateway.account.behaviours;
    const isFatal = (isFive ? deniedSubscribe5 : deniedSubscribe311) === "disconnect";
    const answer = subscribe(packet, this.#session, this.#access, isFive);
    if (answer === null) return;
    if (isFatal && answer.isDenied) {
      this.#disconnect(CODE.notAuthorized);
      return;
    }
    this.#write({ cmd: "suback", messageId: packet.messageId ?? 0, granted: [...answer.granted] });
    for (const { filter, qos } of answer.fresh) this.#sendRetained(filter, qos);
  }

  #unsubscribe({ unsubscriptions, messageId = 0 }: IUnsubscribePacket): void {
    for (const filter of unsubscriptions) this.#session.subscriptions.delete(filter);
    this.#write({ cmd: "unsuback", messageId, granted: unsubscriptions.map(() => CODE.success) });
  }

  #sendRetained(filter: string, qos: 0 | 1): void {
    for (const message of this.#gateway.broker.retainedFor(filter)) {
      this.deliver({ ...message, retain: true, qos: message.qos === 1 ? qos : 0 });
    }
  }

  #send({ topic, payload, qos, retain, properties }: Message, messageId: number | null): void {
    const common = { cmd: "publish", topic, payload, qos, retain, dup: false } as const;
    this.#write({
      ...common,
      ...(messageId !== null && { messageId }),
      ...(this.#request.version === 5 && {
        properties: properties as NonNullable<IPublishPacket["properties"]>,
      }),
    });
  }

  #left({ reasonCode = 0, properties }: IDisconnectPacket): void {
    if (reasonCode !== CODE.withWill) this.#will = null;
    // A session that was to end with the connection cannot be prolonged (MQTT 5, 3.14.2.2.2).
    const expiry = properties?.sessionExpiryInterval;
    if (expiry !== undefined && this.#session.expirySeconds > 0) this.#session.expirySeconds = expiry;
    this.#over();
    this.#end();
  }

  #disconnect(code: number): void {
    if (this.#isOver) return;
    if (this.#request.version === 5) this.#write({ cmd: "disconnect", reasonCode: code });
    this.#over();
    this.#end();
  }

  #over(): void {
    this.#isOver = true;
    this.#timers.clear();
    this.#lifetime.stop();
    this.#gateway.signal.removeEventListener("abort", this.#onStop);
  }

  /** A client that says nothing for one and a half keep-alives is gone (MQTT-3.1.2-24). */
  #watchKeepAlive(): void {
    if (this.#isOver) return;
    this.#cancelKeepAlive();
    const limitMs = effectiveKeepAlive(this.#request.keepAliveSeconds) * 1500;
    this.#cancelKeepAlive = this.#timers.after(limitMs, () => this.#disconnect(CODE.keepAlive));
  }

  #write(packet: Packet): void {
    if (this.#link.stream.writable) this.#link.stream.write(encode(packet, this.#request.version));
  }
}
