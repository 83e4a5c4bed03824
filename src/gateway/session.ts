import { Buffer } from "node:buffer";
import type { Duplex } from "node:stream";
import { generate, type IConnackPacket, type IDisconnectPacket, type Packet, parser } from "mqtt-packet";
import { errorMessage } from "../lib/errors.ts";
import type { Wire } from "../model/context.ts";
import type { ProbeInput } from "../model/ports.ts";
import type { TopicAnswer } from "../model/proof.ts";
import type { Attempt } from "./attempt.ts";
import { connectPacket } from "./connect-packet.ts";
import { type Ending, violation } from "./ending.ts";
import { CLOSE_GRACE_MS } from "./limits.ts";
import { OPENING_BYTES, readOpening } from "./opening.ts";
import { received, sent } from "./packet-names.ts";
import { TopicTests } from "./topic-tests.ts";

type MqttWire = Exclude<Wire, { readonly kind: "https" }>;

const SESSION_TAKEN_OVER = 0x8e;

export interface Session {
  /** The gateway closed; `reason` is what it said about it, if anything. */
  closed(reason: string | null): void;
}

/**
 * Sends CONNECT over an open stream and settles the attempt with what comes back. In a session that was accepted
 * the topics are tried; it is ended by DISCONNECT, so that no will is fired, and its end waited for briefly. It sends
 * nothing that is not written here: what is delivered to it is not acknowledged, its own test message excepted.
 */
export function openSession(stream: Duplex, input: ProbeInput<MqttWire>, attempt: Attempt): Session {
  const { connect } = input.wire;
  const version = connect.mqttVersion;
  const parsing = parser({ protocolVersion: version });
  const done = Promise.withResolvers<void>();
  let opening = Buffer.alloc(0);
  let tests: TopicTests | null = null;

  const send = (packet: Packet): void => {
    if (!stream.writable) return;
    attempt.note(sent(packet));
    stream.write(generate(packet, { protocolVersion: version }));
  };
  const session: Session = {
    closed: (reason) => {
      // A close in the middle of a packet is not the bare close that some refusals consist of.
      if (opening.length > 0)
        attempt.settle(violation("the gateway closed in the middle of its first packet"));
      attempt.settle({ kind: "closed", reason });
      done.resolve();
    },
  };

  parsing.on("error", (error) => {
    const what = tests === null ? "the answer to CONNECT" : "what the gateway sent";
    attempt.settle(violation(`${what} cannot be parsed: ${errorMessage(error)}`));
  });
  parsing.on("packet", (packet) => {
    attempt.note(received(packet));
    if (packet.cmd === "disconnect" && packet.reasonCode === SESSION_TAKEN_OVER) takenOver(packet, attempt);
    else if (tests !== null) onLaterPacket(packet, tests, attempt);
    else if (packet.cmd === "connack") tests = onConnack(packet, input, attempt, send);
    else attempt.settle(violation(`the gateway sent ${packet.cmd.toUpperCase()} before CONNACK`));
  });
  stream.on("data", (chunk: Buffer) => {
    if (opening.length < OPENING_BYTES && !attempt.settled && tests === null) {
      opening = Buffer.concat([opening, chunk.subarray(0, OPENING_BYTES)]);
      const read = readOpening(opening, version);
      if (read.kind === "violation") attempt.settle(violation(read.reason));
    }
    if (!attempt.settled || tests !== null) parse(parsing, chunk);
    if (tests !== null) opening = Buffer.alloc(0);
  });
  stream.once("end", () => session.closed(null));
  stream.once("close", () => session.closed(null));

  attempt.enter("connack");
  send(connectPacket(connect));
  attempt.defer(async () => {
    // Also without CONNACK, which may be on its way: a session that nobody waits for would fire its will.
    send({ cmd: "disconnect" });
    // [MQTT-3.14.4-1]
    stream.end();
    if (tests !== null) await attempt.atMost(CLOSE_GRACE_MS, done.promise);
    stream.destroy();
  });
  return session;
}

/** The parser reports most of what is wrong with a packet, and throws for one that is shorter than it says. */
function parse(parsing: ReturnType<typeof parser>, chunk: Buffer): void {
  try {
    parsing.parse(chunk);
  } catch (error) {
    parsing.emit("error", error);
  }
}

/** Settles the attempt, or begins to try the topics; null: the device was not let in. */
function onConnack(
  packet: IConnackPacket,
  { wire, topics, leaveIfSessionPresent }: ProbeInput<MqttWire>,
  attempt: Attempt,
  send: (packet: Packet) => void,
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
    send,
    done: () => attempt.settle({ kind: "closed", reason: null }),
  });
  // The device is in: however the connection ends, only somebody else's or our caller's word makes it less.
  attempt.concludeWith((ending) =>
    ending.kind === "interrupted" || ending.kind === "taken-over" ? ending : connack(tests.ended(ending)),
  );
  attempt.enter(null);
  tests.start();
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
