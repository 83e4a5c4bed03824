import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { type IConnackPacket, MqttClient, type Packet } from "mqtt";
import { errorMessage } from "../lib/errors.ts";
import type { ConnectFields } from "../model/context.ts";
import type { Attempt } from "./attempt.ts";
import { connectOptions } from "./connect-packet.ts";
import { violation } from "./ending.ts";
import { CLOSE_GRACE_MS } from "./limits.ts";
import { OPENING_BYTES, readOpening } from "./opening.ts";

/** DISCONNECT without properties; the same bytes in both versions [MQTT-3.14.1]. */
const DISCONNECT = Buffer.from([0xe0, 0x00]);
const SESSION_TAKEN_OVER = 0x8e;

export interface Session {
  /** The gateway closed; `reason` is what it said about it, if anything. */
  closed(reason: string | null): void;
}

/**
 * Sends CONNECT over an open stream and settles the attempt with what comes back. An accepted session is ended
 * by DISCONNECT, so that no will is fired, and its end waited for briefly; nothing it delivers is acknowledged.
 */
export function openSession(stream: Duplex, connect: ConnectFields, attempt: Attempt): Session {
  let opening = Buffer.alloc(0);
  let accepted = false;
  const done = Promise.withResolvers<void>();

  const session: Session = {
    closed: (reason) => {
      // A close in the middle of a packet is not the bare close that some refusals consist of.
      if (opening.length > 0)
        attempt.settle(violation("the gateway closed in the middle of its first packet"));
      attempt.settle({ kind: "closed", reason });
      done.resolve();
    },
  };
  stream.on("data", (chunk: Buffer) => {
    if (opening.length >= OPENING_BYTES || attempt.settled) return;
    opening = Buffer.concat([opening, chunk.subarray(0, OPENING_BYTES)]);
    const read = readOpening(opening, connect.mqttVersion);
    if (read.kind === "violation") attempt.settle(violation(read.reason));
  });
  stream.once("end", () => session.closed(null));
  stream.once("close", () => session.closed(null));

  attempt.enter("connack");
  const client = new MqttClient(() => stream, connectOptions(connect));
  // A probe must not take messages that wait for a device: an error here means neither PUBACK nor PUBREC.
  client.options.customHandleAcks = (_topic, _message, _packet, acknowledge) =>
    acknowledge(new Error("not acknowledged"));
  client.on("error", (error) => {
    // What has a code is the stream's own error, and known already.
    if (!("code" in error))
      attempt.settle(violation(`the answer to CONNECT cannot be parsed: ${errorMessage(error)}`));
  });
  client.on("packetreceive", (packet) => {
    accepted ||= packet.cmd === "connack" && !attempt.settled && connackCode(packet) === 0;
    onPacket(packet, attempt);
  });
  client.once("connect", () => client.end(false));

  attempt.defer(async () => {
    if (accepted) await attempt.atMost(CLOSE_GRACE_MS, done.promise);
    // The CONNACK may be on its way: without this a session that nobody waits for any more would fire its will.
    else if (stream.writable) stream.write(DISCONNECT);
    client.end(true);
    stream.destroy();
  });
  return session;
}

function onPacket(packet: Packet, attempt: Attempt): void {
  if (packet.cmd === "connack") {
    attempt.settle({
      kind: "connack",
      code: connackCode(packet),
      reason: packet.properties?.reasonString ?? null,
    });
  } else if (packet.cmd === "disconnect" && packet.reasonCode === SESSION_TAKEN_OVER) {
    const ending = { kind: "taken-over", reason: packet.properties?.reasonString ?? null } as const;
    attempt.settle(ending);
    attempt.amend(ending);
  } else {
    attempt.settle(violation(`the gateway sent ${packet.cmd.toUpperCase()} before CONNACK`));
  }
}

function connackCode(packet: IConnackPacket): number {
  return packet.reasonCode ?? packet.returnCode ?? 0;
}
