import type { IConnackPacket, IConnectPacket } from "mqtt-packet";
import type { Behaviours } from "../behaviours.ts";
import { type Domain, LEGACY_ENDPOINT } from "../domains.ts";
import { refusingConnack } from "./connack.ts";
import type { ConnectRequest } from "./connect-request.ts";

/** The smallest Maximum Packet Size that a client may ask for, in bytes (quota page). */
const MIN_PACKET_BYTES = 512;
const BAD_AUTHENTICATION_METHOD = 0x8c;
const QOS_UNSUPPORTED = 0x9b;
/** CONNACK of MQTT 3.1.1: unacceptable protocol version (3.2.2.3). */
const UNACCEPTABLE_VERSION = 1;

/** How a CONNECT ends that asks for what AWS does not support; without a CONNACK it is closed. null: it does not. */
export function unsupported(
  { properties, will }: IConnectPacket,
  { version, maximumPacketBytes }: ConnectRequest,
  domain: Domain | null,
  { legacyEndpointMqtt5, smallMaximumPacketSize }: Behaviours,
): { readonly connack: IConnackPacket | null } | null {
  // MQTT 3.1.1 has no code for any of it.
  const refuse = (code: number | "close") => ({
    connack: code === "close" || version === 4 ? null : refusingConnack(5, code),
  });
  if (version === 5 && domain?.name === LEGACY_ENDPOINT) {
    if (legacyEndpointMqtt5 !== UNACCEPTABLE_VERSION) return refuse(legacyEndpointMqtt5);
    return { connack: refusingConnack(4, UNACCEPTABLE_VERSION) };
  }
  if (properties?.authenticationMethod !== undefined) return refuse(BAD_AUTHENTICATION_METHOD);
  if (maximumPacketBytes < MIN_PACKET_BYTES) return refuse(smallMaximumPacketSize);
  return will?.qos === 2 ? refuse(QOS_UNSUPPORTED) : null;
}
