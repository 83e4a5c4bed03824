import type { Buffer } from "node:buffer";

/** Properties a message carries from publisher to subscriber (MQTT 5, 3.3.2.3). */
export interface MessageProperties {
  readonly payloadFormatIndicator?: boolean;
  readonly messageExpiryInterval?: number;
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
  readonly contentType?: string;
  readonly userProperties?: Readonly<Record<string, string | string[]>>;
}

export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly properties: MessageProperties;
  /** It has been sent before and was not acknowledged (MQTT-3.3.1-1). */
  readonly dup?: boolean;
  /** Monotonic ms; set by the broker where the message has an expiry interval. */
  readonly expiresAtMs?: number;
}

/** The message, with the moment noted after which nobody gets it any more. */
export function received(message: Message, nowMs: number): Message {
  const seconds = message.properties.messageExpiryInterval;
  return seconds === undefined ? message : { ...message, expiresAtMs: nowMs + seconds * 1000 };
}

/** What a subscriber is sent of a message that has waited: the rest of its interval. null: it has expired (3.3.2.3.3). */
export function unexpired(message: Message, nowMs: number): Message | null {
  const { expiresAtMs, properties } = message;
  if (expiresAtMs === undefined) return message;
  const messageExpiryInterval = Math.ceil((expiresAtMs - nowMs) / 1000);
  return messageExpiryInterval > 0
    ? { ...message, properties: { ...properties, messageExpiryInterval } }
    : null;
}
