import { Buffer } from "node:buffer";
import type {
  IDisconnectPacket,
  IPublishPacket,
  ISubscribePacket,
  ISubscription,
  IUnsubscribePacket,
  Packet,
} from "mqtt-packet";
import { assertNever } from "../../lib/errors.ts";
import type { Connection, Message, Session, Subscription } from "../broker/broker.ts";
import { isFilter, isTopic } from "../broker/topics.ts";
import { Timers } from "../timers.ts";
import type { Access } from "./access.ts";
import type { ConnectRequest, Entry } from "./admit.ts";
import { acceptedConnack, effectiveKeepAlive, encode, TOPIC_ALIAS_MAXIMUM } from "./connack.ts";
import { ProtocolError } from "./framing.ts";
import { Lifetime } from "./lifetime.ts";
import type { Gateway, MqttLink } from "./link.ts";
import { Outbox } from "./outbox.ts";

/** Limits of the quota page. */
const MAX_PAYLOAD_BYTES = 128 * 1024;
const MAX_FILTERS_IN_SUBSCRIBE = 8;
const MAX_SUBSCRIPTIONS = 50;

/** Reason codes of MQTT 5 that AWS names (DG mqtt). */
const CODE = {
  success: 0,
  withWill: 0x04,
  protocolError: 0x82,
  notAuthorized: 0x87,
  shuttingDown: 0x8b,
  keepAlive: 0x8d,
  takenOver: 0x8e,
  badFilter: 0x8f,
  badTopic: 0x90,
  aliasInvalid: 0x94,
  tooLarge: 0x95,
  quota: 0x97,
  administrative: 0x98,
  qosUnsupported: 0x9b,
} as const;
const FAILED_311 = 0x80;

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

  #subscribe({ subscriptions, messageId = 0 }: ISubscribePacket): void {
    const isFive = this.#request.version === 5;
    if (subscriptions.length > MAX_FILTERS_IN_SUBSCRIBE) {
      throw new ProtocolError("too many topic filters", CODE.quota);
    }
    // 3.1.1 clients that ask for QoS 2 get no SUBACK (DG mqtt).
    if (!isFive && subscriptions.some(({ qos }) => qos === 2)) return;
    const { deniedSubscribe311, deniedSubscribe5 } = this.#gateway.account.behaviours;
    const isFatal = (isFive ? deniedSubscribe5 : deniedSubscribe311) === "disconnect";
    const fresh: Subscription[] = [];
    const granted: number[] = [];
    for (const asked of subscriptions) {
      const code = this.#subscriptionCode(asked);
      if (code === CODE.notAuthorized && isFatal) {
        this.#disconnect(CODE.notAuthorized);
        return;
      }
      granted.push(code < 0x80 || isFive ? code : FAILED_311);
      if (code < 0x80) fresh.push(...this.#addSubscription(asked));
    }
    this.#write({ cmd: "suback", messageId, granted });
    for (const { filter, qos } of fresh) this.#sendRetained(filter, qos);
  }

  #unsubscribe({ unsubscriptions, messageId = 0 }: IUnsubscribePacket): void {
    for (const filter of unsubscriptions) this.#session.subscriptions.delete(filter);
    this.#write({ cmd: "unsuback", messageId, granted: unsubscriptions.map(() => CODE.success) });
  }

  #subscriptionCode({ topic, qos }: ISubscription): number {
    if (!isFilter(topic)) return CODE.badFilter;
    if (!this.#access.allows("Subscribe", `topicfilter/${topic}`)) return CODE.notAuthorized;
    const { subscriptions } = this.#session;
    if (subscriptions.size >= MAX_SUBSCRIPTIONS && !subscriptions.has(topic)) return CODE.quota;
    return Math.min(qos, 1);
  }

  /** The subscription, if its retained messages are due (MQTT 5, 3.8.3.1: retain handling). */
  #addSubscription({ topic, qos, nl, rap, rh = 0 }: ISubscription): Subscription[] {
    const isKnown = this.#session.subscriptions.has(topic);
    const subscription: Subscription = {
      filter: topic,
      qos: qos === 0 ? 0 : 1,
      noLocal: nl ?? false,
      retainAsPublished: rap ?? false,
    };
    this.#session.subscriptions.set(topic, subscription);
    return rh === 0 || (rh === 1 && !isKnown) ? [subscription] : [];
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

function willOf({ will }: ConnectRequest): Message | null {
  if (!will) return null;
  return {
    topic: will.topic,
    payload: Buffer.from(will.payload as Buffer),
    qos: will.qos === 1 ? 1 : 0,
    retain: will.retain ?? false,
    properties: carried(will.properties),
  };
}

/** The properties that go on to subscribers. */
function carried(properties: IPublishPacket["properties"] = {}): Message["properties"] {
  const { payloadFormatIndicator, messageExpiryInterval, responseTopic, correlationData, contentType } =
    properties;
  const { userProperties } = properties;
  return {
    ...(payloadFormatIndicator !== undefined && { payloadFormatIndicator }),
    ...(messageExpiryInterval !== undefined && { messageExpiryInterval }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData }),
    ...(contentType !== undefined && { contentType }),
    ...(userProperties !== undefined && { userProperties }),
  };
}
