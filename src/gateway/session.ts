import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import type { IConnackPacket, IDisconnectPacket, Packet } from "mqtt";
import type { Wire } from "../model/context.ts";
import type { ProbeInput } from "../model/ports.ts";
import type { TopicAnswer } from "../model/proof.ts";
import type { Attempt } from "./attempt.ts";
import { type Ending, violation } from "./ending.ts";
import { firstPacket } from "./framing.ts";
import { CLOSE_GRACE_MS } from "./limits.ts";
import { Line } from "./line.ts";
import { ProbeClient } from "./mqtt-client.ts";
import { readOpening } from "./opening.ts";
import { received, sent } from "./packet-names.ts";
import { TopicTests } from "./topic-tests.ts";

type MqttWire = Exclude<Wire, { readonly kind: "https" }>;

/** Without properties; the same bytes in both versions [MQTT-3.14.1]. */
const DISCONNECT = Buffer.from([0xe0, 0x00]);
const SESSION_TAKEN_OVER = 0x8e;

export interface Session {
  /** The gateway closed; `reason` is what it said about it, if anything. */
  closed(reason: string | null): void;
}

/**
 * Sends CONNECT over an open stream and settles the attempt with what comes back. In a session that was accepted
 * the topics are tried; it is ended by DISCONNECT, so that no will is fired, and its end waited for briefly. What is
 * delivered to it is not acknowledged, its own test message excepted (`mqtt-client.ts`).
 */
export function openSession(stream: Duplex, input: ProbeInput<MqttWire>, attempt: Attempt): Session {
  const { connect } = input.wire;
  const done = Promise.withResolvers<void>();
  const line = new Line(stream);
  let pending = Buffer.alloc(0);
  let hasBegun = false;
  let tests: TopicTests | null = null;
  let isRefused = false;

  const client = new ProbeClient(line, connect, {
    sent: (packet) => {
      if (stream.writable) attempt.note(sent(packet));
    },
    received: (packet) => {
      attempt.note(received(packet));
      if (packet.cmd === "disconnect" && packet.reasonCode === SESSION_TAKEN_OVER) takenOver(packet, attempt);
      else if (tests !== null) onLaterPacket(packet, tests, attempt);
      else if (packet.cmd === "connack") {
        tests = onConnack(packet, input, attempt, client);
        isRefused = tests === null;
      } else attempt.settle(violation(`the gateway sent ${packet.cmd.toUpperCase()} before CONNACK`));
    },
    connected: () => {
      if (!attempt.settled) tests?.start();
    },
    violated: (reason) => {
      const what = tests === null ? "the answer to CONNECT" : "what the gateway sent";
      attempt.settle(violation(`${what} is not valid MQTT: ${reason}`));
    },
  });
  const session: Session = {
    closed: (reason) => {
      // A close in the middle of a packet is not the bare close that some refusals consist of.
      if (!hasBegun && pending.length > 0)
        attempt.settle(violation("the gateway closed in the middle of its first packet"));
      attempt.settle({ kind: "closed", reason });
      done.resolve();
    },
  };

  attempt.enter("connack");
  client.connect();
  stream.on("data", (chunk: Buffer) => {
    if (attempt.settled && tests === null) return;
    pending = Buffer.concat([pending, chunk]);
    const read = hasBegun ? null : readOpening(pending, connect.mqttVersion);
    if (read?.kind === "violation") return attempt.settle(violation(read.reason));
    // One by one: of several at once MQTT.js reports the one that is wrong before it acts on those that came before.
    for (let packet = firstPacket(pending); packet !== null; packet = firstPacket(pending)) {
      pending = pending.subarray(packet.length);
      hasBegun = true;
      line.push(packet);
    }
  });
  stream.once("end", () => session.closed(null));
  stream.once("close", () => session.closed(null));
  attempt.defer(async () => {
    // Who was refused has no session to end, and nobody who reads it [MQTT-3.2.2-7].
    if (isRefused) line.end();
    else {
      // Also without CONNACK, which may be on its way: a session that nobody waits for would fire its will. By hand,
      // because MQTT.js would keep it until CONNACK has come and everything is acknowledged.
      if (stream.writable) attempt.note(sent({ cmd: "disconnect" }));
      // And nothing after it [MQTT-3.14.4-1].
      line.end(DISCONNECT);
    }
    if (tests !== null) await attempt.atMost(CLOSE_GRACE_MS, done.promise);
    stream.destroy();
    line.close();
  });
  return session;
}

/** Settles the attempt, or readies the tests of the topics; null: the device was not let in. */
function onConnack(
  packet: IConnackPacket,
  { wire, topics, leaveIfSessionPresent }: ProbeInput<MqttWire>,
  attempt: Attempt,
  client: ProbeClient,
): TopicTests | null {
  const code = packet.reasonCode ?? packet.returnCode ?? 0;
  const { sessionPresent } = packet;
  const connack = (answers: readonly TopicAnswer[]): Ending => {
    const reason = packet.properties?.reasonString ?? null;
    return { kind: "connack", code, reason, sessionPresent, topics: answers };
  };
  if (code !== 0) {
    attempt.settle(connack([]));
    return null;
  }
  const tests = new TopicTests({
    tests: leaveIfSessionPresent && sessionPresent ? [] : topics,
    keepAliveSeconds: wire.connect.keepAliveSeconds,
    attempt,
    client,
    done: () => attempt.settle({ kind: "closed", reason: null }),
  });
  // The device is in: however the connection ends, only somebody else's or our caller's word makes it less.
  attempt.concludeWith((ending) =>
    ending.kind === "interrupted" || ending.kind === "taken-over" ? ending : connack(tests.ended(ending)),
  );
  attempt.enter(null);
  return tests;
}

function onLaterPacket(packet: Packet, tests: TopicTests, attempt: Attempt): void {
  tests.take(packet);
  if (packet.cmd === "disconnect") {
    attempt.settle({ kind: "closed", reason: packet.properties?.reasonString ?? null });
  }
}

function takenOver(packet: IDisconnectPacket, attempt: Attempt): void {
  const ending = { kind: "taken-over", reason: packet.properties?.reasonString ?? null } as const;
  attempt.settle(ending);
  attempt.amend(ending);
}
