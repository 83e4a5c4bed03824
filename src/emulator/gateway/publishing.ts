import { Buffer } from "node:buffer";
import type { IPublishPacket } from "mqtt-packet";
import type { Message } from "../broker/message.ts";
import { isTopic } from "../broker/topics.ts";
import type { Access } from "./access.ts";
import { TOPIC_ALIAS_MAXIMUM } from "./connack.ts";
import { ProtocolError } from "./framing.ts";
import { carried } from "./messages.ts";
import { CODE } from "./reason-codes.ts";

/** Quota page. */
const MAX_PAYLOAD_BYTES = 128 * 1024;

/** What becomes of a PUBLISH: it is passed on, a policy denies it, it is one too many, or it gets no answer. */
export type Published =
  | { readonly kind: "accepted"; readonly message: Message }
  | { readonly kind: "denied" | "excess" | "ignored" };

/** Reads what one client publishes. */
export class Publishing {
  readonly #isFive: boolean;
  readonly #take: () => boolean;
  readonly #aliases = new Map<number, string>();

  /** @param take is there room left within the connection's rate? */
  constructor(isFive: boolean, take: () => boolean) {
    this.#isFive = isFive;
    this.#take = take;
  }

  /** Throws ProtocolError for what ends the connection. */
  read(packet: IPublishPacket, access: Access): Published {
    const { qos, retain } = packet;
    const payload = Buffer.from(packet.payload as Buffer);
    if (payload.length > MAX_PAYLOAD_BYTES)
      throw new ProtocolError("the payload is too large", CODE.tooLarge);
    if (qos === 2) {
      // 3.1.1 has no word for it: it is never acknowledged (DG mqtt).
      if (this.#isFive) throw new ProtocolError("QoS 2", CODE.qosUnsupported);
      return { kind: "ignored" };
    }
    const topic = this.#topicOf(packet);
    if (!isTopic(topic)) throw new ProtocolError("the topic is not valid", CODE.badTopic);
    if (!this.#take()) return { kind: "excess" };
    const isAllowed =
      access.allows("Publish", `topic/${topic}`) &&
      (!retain || access.allows("RetainPublish", `topic/${topic}`));
    if (!isAllowed) return { kind: "denied" };
    return {
      kind: "accepted",
      message: { topic, payload, qos, retain, properties: carried(packet.properties) },
    };
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
}
