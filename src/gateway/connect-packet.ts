import { Buffer } from "node:buffer";
import type { IClientOptions } from "mqtt";
import type { ConnectFields } from "../model/context.ts";
import type { Ending } from "./ending.ts";

/** MQTT strings and binary data carry a length of two bytes [MQTT-1.5.3]. */
const MAX_FIELD_BYTES = 65_535;

/** What cannot be put into a CONNECT packet, said before anything is dialled. */
export function connectProblem(connect: ConnectFields): Ending | null {
  const sizes = {
    "client id": Buffer.byteLength(connect.clientId),
    "user name": connect.username?.length ?? 0,
    password: connect.password?.length ?? 0,
    "will topic": Buffer.byteLength(connect.will?.topic ?? ""),
    "will payload": Buffer.byteLength(connect.will?.payload ?? ""),
  };
  const tooLong = Object.entries(sizes).find(([, bytes]) => bytes > MAX_FIELD_BYTES);
  if (tooLong !== undefined) {
    return invalid(`the ${tooLong[0]} has ${tooLong[1]} bytes; CONNECT holds at most ${MAX_FIELD_BYTES}`);
  }
  if (connect.password !== null && connect.username === null) {
    // [MQTT-3.1.2-22]; MQTT 5 would allow it, MQTT.js does not.
    return invalid("a password without a user name cannot be sent");
  }
  if (connect.clientId === "" && !connect.cleanSession) {
    return invalid("an empty client id needs a clean session"); // [MQTT-3.1.3-8]
  }
  return null;
}

function invalid(reason: string): Ending {
  return { kind: "unusable", cause: "PROFILE_INVALID", reason };
}

/** The options of MQTT.js that become CONNECT, with exactly the fields of the wire [MQTT-3.1]. */
export function connectOptions(connect: ConnectFields): IClientOptions {
  const { will, mqttVersion, sessionExpirySeconds } = connect;
  return {
    protocolId: "MQTT",
    protocolVersion: mqttVersion,
    clientId: connect.clientId,
    clean: connect.cleanSession,
    keepalive: connect.keepAliveSeconds,
    ...(connect.username === null ? {} : { username: connect.username.exposeText() }),
    ...(connect.password === null ? {} : { password: connect.password.exposeBytes() }),
    ...(will === null
      ? {}
      : { will: { topic: will.topic, payload: Buffer.from(will.payload), qos: will.qos, retain: false } }),
    // Absent means 0 [MQTT-3.1.2.11.2].
    ...(mqttVersion === 5 && sessionExpirySeconds > 0
      ? { properties: { sessionExpiryInterval: sessionExpirySeconds } }
      : {}),
  };
}
