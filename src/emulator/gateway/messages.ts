import { Buffer } from "node:buffer";
import type { IPublishPacket } from "mqtt-packet";
import type { Message } from "../broker/message.ts";
import type { ConnectRequest } from "./connect-request.ts";

/** The message that a client leaves behind; null: none. */
export function willOf({ will }: ConnectRequest): Message | null {
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
export function carried(properties: IPublishPacket["properties"] = {}): Message["properties"] {
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

/** @param messageId null: with QoS 0 */
export function publishPacket(
  { topic, payload, qos, retain, properties, dup = false }: Message,
  messageId: number | null,
  isFive: boolean,
): IPublishPacket {
  return {
    ...{ cmd: "publish", topic, payload, qos, retain, dup },
    ...(messageId !== null && { messageId }),
    ...(isFive && { properties: properties as NonNullable<IPublishPacket["properties"]> }),
  };
}
