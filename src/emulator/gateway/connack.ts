import type { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import { generate, type IConnackPacket, type Packet } from "mqtt-packet";
import type { ConnectRequest } from "./connect-request.ts";
import { MAX_PACKET_BYTES } from "./framing.ts";

/** Limits of the quota page. */
const DEFAULT_KEEP_ALIVE_SECONDS = 1200;
const MIN_KEEP_ALIVE_SECONDS = 30;
const RECEIVE_MAXIMUM = 100;
export const TOPIC_ALIAS_MAXIMUM = 8;

/** 0 and more than 1200 become 1200, 1 to 29 become 30. */
export function effectiveKeepAlive(requested: number): number {
  if (requested === 0 || requested > DEFAULT_KEEP_ALIVE_SECONDS) return DEFAULT_KEEP_ALIVE_SECONDS;
  return Math.max(MIN_KEEP_ALIVE_SECONDS, requested);
}

export function acceptedConnack(request: ConnectRequest, sessionPresent: boolean): IConnackPacket {
  if (request.version === 4) return { cmd: "connack", sessionPresent, returnCode: 0 };
  const keepAlive = effectiveKeepAlive(request.keepAliveSeconds);
  return {
    cmd: "connack",
    sessionPresent,
    reasonCode: 0,
    properties: {
      receiveMaximum: RECEIVE_MAXIMUM,
      maximumQoS: 1,
      retainAvailable: true,
      maximumPacketSize: MAX_PACKET_BYTES,
      topicAliasMaximum: TOPIC_ALIAS_MAXIMUM,
      wildcardSubscriptionAvailable: true,
      subscriptionIdentifiersAvailable: false,
      sharedSubscriptionAvailable: true,
      // Told only where it is not what the client asked for.
      ...(keepAlive !== request.keepAliveSeconds && { serverKeepAlive: keepAlive }),
      ...(request.sessionExpirySeconds > 0 && { sessionExpiryInterval: request.sessionExpirySeconds }),
      ...(request.isAssigned && { assignedClientIdentifier: request.clientId }),
    },
  };
}

/** A reason text as AWS words it, with a trace id (seen with X.509 clients). */
const REASONS: Readonly<Record<number, string>> = {
  133: "CONNACK:ClientId is invalid",
  134: "CONNACK:Client is not authenticated",
  135: "CONNACK:Client is not authenticated/authorized to perform the operation",
  151: "CONNACK:Quota exceeded",
};

export function refusingConnack(version: 4 | 5, code: number): IConnackPacket {
  if (version === 4) return { cmd: "connack", sessionPresent: false, returnCode: code };
  const reason = REASONS[code] ?? "CONNACK:Unable to process the connection";
  return {
    cmd: "connack",
    sessionPresent: false,
    reasonCode: code,
    properties: { reasonString: `${reason}:${randomUUID()}` },
  };
}

export function encode(packet: Packet, version: 4 | 5): Buffer {
  return generate(packet, { protocolVersion: version });
}
