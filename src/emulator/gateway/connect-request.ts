import type { Buffer } from "node:buffer";
import { randomUUID } from "node:crypto";
import type { IConnectPacket } from "mqtt-packet";

/** Quota page. */
export const MAX_SESSION_EXPIRY_SECONDS = 3600;

/** A CONNECT's fields, defaults filled in. */
export interface ConnectRequest {
  readonly version: 4 | 5;
  /** As sent, or the one the gateway assigned. */
  readonly clientId: string;
  /** The device sent no client id. */
  readonly isAssigned: boolean;
  readonly clean: boolean;
  readonly sessionExpirySeconds: number;
  readonly keepAliveSeconds: number;
  /** How many QoS 1 messages it takes at once (MQTT 5, 3.1.2.11.3). */
  readonly receiveMaximum: number;
  /** The largest packet it takes, in bytes (MQTT 5, 3.1.2.11.4). */
  readonly maximumPacketBytes: number;
  readonly username: string | null;
  readonly password: Buffer | null;
  readonly will: IConnectPacket["will"] | null;
}

/** Null: a version or client id that no session can be opened for. */
export function readConnect(packet: IConnectPacket): ConnectRequest | null {
  const version = packet.protocolVersion;
  if (version !== 4 && version !== 5) return null;
  const { clientId, clean = true, properties, username, password, will } = packet;
  if (clientId === "" && version === 4 && !clean) return null;
  const expiry =
    version === 4 ? (clean ? 0 : MAX_SESSION_EXPIRY_SECONDS) : (properties?.sessionExpiryInterval ?? 0);
  return {
    version,
    clientId: clientId === "" ? `$GEN/${randomUUID()}` : clientId,
    isAssigned: clientId === "",
    clean,
    sessionExpirySeconds: Math.min(expiry, MAX_SESSION_EXPIRY_SECONDS),
    keepAliveSeconds: packet.keepalive ?? 0,
    receiveMaximum: properties?.receiveMaximum ?? 65_535,
    maximumPacketBytes: properties?.maximumPacketSize ?? Number.POSITIVE_INFINITY,
    username: username ?? null,
    password: password ?? null,
    will: will ?? null,
  };
}
