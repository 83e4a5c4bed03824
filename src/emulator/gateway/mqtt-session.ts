import type { Buffer } from "node:buffer";
import type { IDisconnectPacket, Packet } from "mqtt-packet";
import { monotonicMs } from "../../lib/clock.ts";
import { assertNever } from "../../lib/errors.ts";
import type { Connection, Session } from "../broker/broker.ts";
import type { Message } from "../broker/message.ts";
import type { DisconnectReason } from "../broker/presence.ts";
import { TokenBuckets } from "../quotas.ts";
import { Timers } from "../timers.ts";
import type { Access } from "./access.ts";
import type { Entry } from "./admit.ts";
import { ClientPackets } from "./client-packets.ts";
import { acceptedConnack, effectiveKeepAlive, encode } from "./connack.ts";
import { type ConnectRequest, MAX_SESSION_EXPIRY_SECONDS } from "./connect-request.ts";
import { Deliveries } from "./deliveries.ts";
import { ProtocolError } from "./framing.ts";
import { Lifetime } from "./lifetime.ts";
import type { Gateway, MqttLink } from "./link.ts";
import { willOf } from "./messages.ts";
import { CODE } from "./reason-codes.ts";

/** A device that is let in: what it publishes and subscribes, until it goes or has to go. */
export class MqttSession implements Connection {
  readonly #gateway: Gateway;
  readonly #link: MqttLink;
  readonly #request: ConnectRequest;
  readonly #end: () => void;
  readonly #timers = new Timers();
  /** Of the keys `in` and `out`. */
  readonly #rate: TokenBuckets;
  readonly #packets: ClientPackets;
  readonly #deliveries: Deliveries;
  readonly #session: Session;
  readonly #lifetime: Lifetime;
  readonly #noteEnd: (reason: DisconnectReason) => void;
  #access: Access;
  #will: Message | null;
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
    const { publishesPerSecondPerConnection: rate, bytesPerSecondPerConnection } = gateway.config.quotas;
    this.#rate = new TokenBuckets(rate, rate, monotonicMs);
    this.#deliveries = new Deliveries({
      ...{ broker: gateway.broker, request, bytesPerSecond: bytesPerSecondPerConnection },
      write: (packet) => this.#writeBytes(packet),
    });
    const { session, present } = gateway.broker.connect(request.clientId, this, {
      clean: request.clean,
      expirySeconds: request.sessionExpirySeconds,
    });
    this.#session = session;
    this.#packets = new ClientPackets(gateway, request, session, {
      access: () => this.#access,
      write: (packet) => this.#write(packet),
      deliver: (message) => this.deliver(message),
      take: () => this.#rate.take("in"),
      expel: (how) => this.#disconnect(how === "close" ? null : CODE.notAuthorized, "AUTH_ERROR"),
    });
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
    for (const message of gateway.broker.takeQueued(session)) this.deliver(message);
    gateway.signal.addEventListener("abort", this.#onStop, { once: true });
  }

  handle(packet: Packet): void {
    this.#watchKeepAlive();
    switch (packet.cmd) {
      case "publish":
        this.#packets.publish(packet);
        break;
      case "puback":
        this.#deliveries.acknowledge(packet.messageId ?? 0);
        break;
      case "subscribe":
        this.#packets.subscribe(packet);
        break;
      case "unsubscribe":
        this.#packets.unsubscribe(packet);
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
    // Beyond the rate it is lost (quota page).
    if (this.#rate.take("out")) this.#deliveries.add(message);
    return true;
  }

  takenOver(): void {
    this.#disconnect(CODE.takenOver, "DUPLICATE_CLIENTID");
  }

  dismissed({ withWill }: { readonly withWill: boolean }): void {
    if (!withWill) this.#will = null;
    this.#disconnect(CODE.administrative, "API_INITIATED_DISCONNECT");
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
  }

  readonly #onStop = (): void => {
    // The emulator's own end is nobody's last will.
    this.#will = null;
    this.#disconnect(CODE.shuttingDown, "SERVER_INITIATED_DISCONNECT");
  };

  #left({ reasonCode = 0, properties }: IDisconnectPacket): void {
    if (reasonCode !== CODE.withWill) this.#will = null;
    // A session that was to end with the connection cannot be prolonged (MQTT 5, 3.14.2.2.2).
    const expiry = properties?.sessionExpiryInterval;
    if (expiry !== undefined && this.#session.expirySeconds > 0) {
      this.#session.expirySeconds = Math.min(expiry, MAX_SESSION_EXPIRY_SECONDS);
    }
    this.#over("CLIENT_INITIATED_DISCONNECT");
    this.#end();
  }

  /** @param code null: without a word */
  #disconnect(code: number | null, reason: DisconnectReason): void {
    if (this.#isOver) return;
    if (this.#request.version === 5 && code !== null) this.#write({ cmd: "disconnect", reasonCode: code });
    this.#over(reason);
    this.#end();
  }

  /** From here on the broker keeps what comes, though the last bytes may still be on their way. */
  #over(reason: DisconnectReason): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#noteEnd(reason);
    this.#timers.clear();
    this.#lifetime.stop();
    this.#gateway.signal.removeEventListener("abort", this.#onStop);
    this.#session.queue.unshift(...this.#deliveries.stop());
    this.#gateway.broker.disconnect(this.#session, this);
    this.#leaveWill();
  }

  #leaveWill(): void {
    const will = this.#will;
    if (will === null) return;
    const { broker, activity } = this.#gateway;
    const { clientId } = this.#request;
    broker.leaveWill(this.#session, this.#request.will?.properties?.willDelayInterval ?? 0, () => {
      activity.willPublished(clientId);
      broker.publish(will, clientId);
    });
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

  #write(packet: Packet): void {
    this.#writeBytes(encode(packet, this.#request.version));
  }

  #writeBytes(packet: Buffer): void {
    if (!this.#isMute && this.#link.stream.writable) this.#link.stream.write(packet);
  }
}
