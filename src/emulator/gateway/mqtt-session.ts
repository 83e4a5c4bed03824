import type {
  IDisconnectPacket,
  IPublishPacket,
  ISubscribePacket,
  IUnsubscribePacket,
  Packet,
} from "mqtt-packet";
import { monotonicMs } from "../../lib/clock.ts";
import { assertNever } from "../../lib/errors.ts";
import type { Connection, Message, Session } from "../broker/broker.ts";
import type { DisconnectReason } from "../broker/presence.ts";
import { TokenBuckets } from "../quotas.ts";
import { Timers } from "../timers.ts";
import type { Access } from "./access.ts";
import type { Entry } from "./admit.ts";
import { acceptedConnack, effectiveKeepAlive, encode } from "./connack.ts";
import type { ConnectRequest } from "./connect-request.ts";
import { ProtocolError } from "./framing.ts";
import { Lifetime } from "./lifetime.ts";
import type { Gateway, MqttLink } from "./link.ts";
import { publishPacket, willOf } from "./messages.ts";
import { Outbox } from "./outbox.ts";
import { Publishing } from "./publishing.ts";
import { CODE } from "./reason-codes.ts";
import { subscribe } from "./subscribe.ts";

/** A device that is let in: what it publishes and subscribes, until it goes or has to go. */
export class MqttSession implements Connection {
  readonly #gateway: Gateway;
  readonly #link: MqttLink;
  readonly #request: ConnectRequest;
  readonly #end: () => void;
  readonly #timers = new Timers();
  /** Of the keys `in` and `out`. */
  readonly #rate: TokenBuckets;
  readonly #publishing: Publishing;
  readonly #outbox: Outbox;
  readonly #session: Session;
  readonly #lifetime: Lifetime;
  readonly #noteEnd: (reason: DisconnectReason) => void;
  #access: Access;
  #will: Message | null;
  #willDelaySeconds = 0;
  #isOver = false;
  #isMute = false;
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
    const { publishesPerSecondPerConnection: rate } = gateway.config.quotas;
    this.#rate = new TokenBuckets(rate, rate, monotonicMs);
    this.#publishing = new Publishing(request.version === 5, () => this.#rate.take("in"));
    this.#outbox = new Outbox(request.receiveMaximum, (message, id) => this.#send(message, id));
    const { session, present } = gateway.broker.connect(request.clientId, this, {
      clean: request.clean,
      expirySeconds: request.sessionExpirySeconds,
    });
    this.#session = session;
    this.#noteEnd = gateway.presence.connected({
      clientId: request.clientId,
      cleanSession: request.sessionExpirySeconds === 0,
      keepAliveSeconds: request.keepAliveSeconds,
      sessionExpirySeconds: request.sessionExpirySeconds,
      socket: link.socket,
    });
    this.#write(acceptedConnack(request, present));
    this.#watchKeepAlive();
    this.#lifetime = new Lifetime(gateway, link, request, entry.admitted, {
      renewed: (access) => {
        this.#access = access;
      },
      ended: (reason) => this.#disconnect(CODE.administrative, reason),
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
    // One that the client does not take counts as delivered (MQTT-3.1.2-25); beyond the rate it is lost (quota page).
    if (this.#isTooLarge(message) || !this.#rate.take("out")) return true;
    if (message.qos === 1) this.#outbox.add(message);
    else this.#send(message, null);
    return true;
  }

  takenOver(): void {
    this.#disconnect(CODE.takenOver, "DUPLICATE_CLIENTID");
  }

  protocolError(code: number): void {
    this.#disconnect(code, "CLIENT_ERROR");
  }

  /** Says and does nothing any more, though the connection stays. */
  mute(): void {
    this.#isMute = true;
    this.#timers.clear();
  }

  /** The connection is gone, in whatever way. */
  closed(): void {
    this.#over("CONNECTION_LOST");
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
    this.#disconnect(CODE.shuttingDown, "SERVER_INITIATED_DISCONNECT");
  };

  #publish(packet: IPublishPacket): void {
    const { deniedPublish311, deniedPublish5, excessPublish5 } = this.#gateway.account.behaviours;
    const published = this.#publishing.read(packet, this.#access);
    switch (published.kind) {
      case "accepted":
        this.#gateway.broker.publish(published.message, this.#request.clientId);
        this.#acknowledge(packet, CODE.success);
        break;
      case "denied":
        if ((this.#isFive ? deniedPublish5 : deniedPublish311) === "disconnect") {
          this.#disconnect(CODE.notAuthorized, "AUTH_ERROR");
        } else if (this.#isFive) this.#acknowledge(packet, CODE.notAuthorized);
        break;
      case "excess":
        if (this.#isFive && excessPublish5 === "puback") this.#acknowledge(packet, CODE.quota);
        break;
      default:
        break;
    }
  }

  #acknowledge({ qos, messageId = 0 }: IPublishPacket, reasonCode: number): void {
    if (qos === 1) this.#write({ cmd: "puback", messageId, reasonCode });
  }

  #subscribe(packet: ISubscribePacket): void {
    const isFive = this.#isFive;
    const { deniedSubscribe311, deniedSubscribe5 } = this.#gateway.account.behaviours;
    const isFatal = (isFive ? deniedSubscribe5 : deniedSubscribe311) === "disconnect";
    const answer = subscribe(packet, this.#session, this.#access, isFive);
    if (answer === null) return;
    if (isFatal && answer.isDenied) {
      this.#disconnect(CODE.notAuthorized, "AUTH_ERROR");
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

  #send(message: Message, messageId: number | null): void {
    this.#write(publishPacket(message, messageId, this.#isFive));
  }

  #isTooLarge(message: Message): boolean {
    const { maximumPacketBytes, version } = this.#request;
    if (maximumPacketBytes === Number.POSITIVE_INFINITY) return false;
    return encode(publishPacket(message, 1, this.#isFive), version).length > maximumPacketBytes;
  }

  #left({ reasonCode = 0, properties }: IDisconnectPacket): void {
    if (reasonCode !== CODE.withWill) this.#will = null;
    // A session that was to end with the connection cannot be prolonged (MQTT 5, 3.14.2.2.2).
    const expiry = properties?.sessionExpiryInterval;
    if (expiry !== undefined && this.#session.expirySeconds > 0) this.#session.expirySeconds = expiry;
    this.#over("CLIENT_INITIATED_DISCONNECT");
    this.#end();
  }

  #disconnect(code: number, reason: DisconnectReason): void {
    if (this.#isOver) return;
    if (this.#isFive) this.#write({ cmd: "disconnect", reasonCode: code });
    this.#over(reason);
    this.#end();
  }

  #over(reason: DisconnectReason): void {
    this.#isOver = true;
    this.#noteEnd(reason);
    this.#timers.clear();
    this.#lifetime.stop();
    this.#gateway.signal.removeEventListener("abort", this.#onStop);
  }

  /** A client that says nothing for one and a half keep-alives is gone (MQTT-3.1.2-24). */
  #watchKeepAlive(): void {
    if (this.#isOver) return;
    this.#cancelKeepAlive();
    const seconds = effectiveKeepAlive(this.#request.keepAliveSeconds) / this.#gateway.config.keepAliveSpeed;
    this.#cancelKeepAlive = this.#timers.after(seconds * 1500, () =>
      this.#disconnect(CODE.keepAlive, "MQTT_KEEP_ALIVE_TIMEOUT"),
    );
  }

  get #isFive(): boolean {
    return this.#request.version === 5;
  }

  #write(packet: Packet): void {
    if (!this.#isMute && this.#link.stream.writable)
      this.#link.stream.write(encode(packet, this.#request.version));
  }
}
