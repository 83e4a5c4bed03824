import { randomUUID } from "node:crypto";
import type { IPublishPacket, Packet } from "mqtt";
import type { TopicAnswer, TopicTest } from "../model/proof.ts";
import type { Attempt } from "./attempt.ts";
import type { Ending } from "./ending.ts";
import { correlatedMarker, MARKER } from "./marker.ts";
import type { ProbeClient } from "./mqtt-client.ts";
import { type Reading, readDisconnect, readPuback, readSuback, withReason } from "./topic-codes.ts";

/** How long an answer to SUBSCRIBE or PUBLISH may take. */
const ANSWER_MS = 2000;
/** How long a message may be under way, and how often it is sent: a delivery with QoS 0 may get lost. */
const DELIVERY_MS = 1000;
const DELIVERIES = 2;

export interface TopicTestsInput {
  readonly tests: readonly TopicTest[];
  readonly keepAliveSeconds: number;
  readonly attempt: Attempt;
  readonly client: ProbeClient;
  /** All tests are settled. */
  readonly done: () => void;
}

/** What the test in flight waits for. */
type Step = "suback" | "puback" | "roundtrip";

interface Current {
  readonly test: TopicTest;
  /** Of the message that has to come back. */
  readonly payload: string;
  step: Step;
  /** Packet identifier of what was sent last. */
  id: number;
  publishes: number;
  delivered: boolean;
}

/**
 * Tries topics one after the other over a session that was let in. `start` begins the first; each test is over with
 * its answer, or by time:
 *
 * - `subscribe`: SUBSCRIBE → SUBACK.
 * - `publish`: PUBLISH with QoS 1 → PUBACK.
 * - `receive`: SUBSCRIBE → SUBACK → PUBLISH → PUBACK and the message itself, in either order.
 *
 * Every subscription is taken back at once or with the end, so that nothing of it outlives the session, and is of
 * QoS 0, so that nothing queues up for it. `ended` says what the end of the connection means for the test that it interrupted.
 */
export class TopicTests {
  readonly #input: TopicTestsInput;
  readonly #waiting: TopicTest[];
  readonly #answers: TopicAnswer[] = [];
  readonly #patienceMs: number;
  #current: Current | null = null;
  /** Subscribed to, perhaps, and not taken back. */
  #filter: string | null = null;
  #timer: NodeJS.Timeout | undefined;
  #disconnect: { readonly code: number; readonly reason: string | null } | null = null;

  constructor(input: TopicTestsInput) {
    this.#input = input;
    this.#waiting = [...input.tests];
    // A gateway may end a session that says nothing for one and a half keep-alives [MQTT-3.1.2-24].
    const { keepAliveSeconds } = input;
    this.#patienceMs = keepAliveSeconds === 0 ? ANSWER_MS : Math.min(ANSWER_MS, keepAliveSeconds * 1000);
    input.attempt.defer(() => {
      this.#current = null;
      clearTimeout(this.#timer);
      this.#takeBack();
    });
  }

  start(): void {
    const test = this.#waiting.shift();
    this.#current = null;
    clearTimeout(this.#timer);
    if (test === undefined) {
      this.#input.done();
      return;
    }
    const payload = test.action === "receive" ? correlatedMarker(randomUUID()) : MARKER;
    const fresh = { id: 0, publishes: 0, delivered: false };
    this.#current = { test, payload, step: "suback", ...fresh };
    if (test.action === "publish") this.#publish(this.#current);
    else this.#subscribe(this.#current);
  }

  /** A packet after CONNACK. What does not belong to the test in flight is left alone, and never acknowledged. */
  take(packet: Packet): void {
    const current = this.#current;
    if (current === null) return;
    if (packet.cmd === "disconnect") {
      this.#disconnect = { code: packet.reasonCode ?? 0, reason: reasonOf(packet) };
    } else if (packet.cmd === "publish") {
      this.#delivery(packet, current);
    } else if (packet.cmd === "suback" && current.step === "suback" && packet.messageId === current.id) {
      this.#suback(readSuback(packet.granted as number[], reasonOf(packet)), current);
    } else if (packet.cmd === "puback" && current.step === "puback" && packet.messageId === current.id) {
      this.#puback(readPuback(packet.reasonCode ?? 0, reasonOf(packet)), current);
    }
  }

  /**
   * The connection is over: the answers to all tests that it settled. One that hung in the air is among them,
   * unless the one before it was not allowed either: then it cannot be told which of them the end was about.
   * Where the time was up nothing is left out, because another connection would only take as long again.
   */
  ended(ending: Ending): readonly TopicAnswer[] {
    const current = this.#current;
    this.#current = null;
    clearTimeout(this.#timer);
    if (current === null) return this.#answers;
    const { test } = current;
    if (ending.kind === "timeout") {
      const evidence = `not tried: the connection's ${ending.timeoutMs} ms were over`;
      const rest = this.#waiting.splice(0).map((each) => unanswered(each, evidence));
      return [...this.#answers, { test, ...this.#readEnd(current, ending) }, ...rest];
    }
    const isClear = (this.#answers.at(-1)?.answer ?? "allowed") === "allowed";
    return isClear ? [...this.#answers, { test, ...this.#readEnd(current, ending) }] : this.#answers;
  }

  #subscribe(current: Current): void {
    const { topic, filter = topic } = current.test;
    this.#wait(current, "suback", this.#patienceMs);
    this.#filter = filter;
    current.id = this.#input.client.subscribe(filter);
  }

  #publish(current: Current): void {
    current.publishes += 1;
    this.#wait(current, "puback", this.#patienceMs);
    current.id = this.#input.client.publish(current.test.topic, current.payload);
  }

  #suback(reading: Reading, current: Current): void {
    const isGranted = reading.answer === "allowed";
    if (!isGranted) this.#filter = null;
    if (current.test.action === "receive" && isGranted) this.#publish(current);
    else this.#finish(reading, current);
  }

  #puback(reading: Reading, current: Current): void {
    if (current.test.action === "publish") {
      this.#finish(reading, current);
    } else if (reading.answer !== "allowed") {
      this.#finish(unsent(reading.evidence), current);
    } else {
      this.#wait(current, "roundtrip", DELIVERY_MS);
      if (current.delivered) this.#finish(DELIVERED, current);
    }
  }

  #delivery(packet: IPublishPacket, current: Current): void {
    const { test, payload, step } = current;
    if (test.action !== "receive" || step === "suback") return;
    if (packet.topic !== test.topic || packet.payload.toString() !== payload) return;
    if (packet.qos === 1) this.#input.client.acknowledge(packet);
    current.delivered = true;
    if (step === "roundtrip") this.#finish(DELIVERED, current);
  }

  /** Nothing came in time. */
  #silence(current: Current): void {
    const { step, delivered, publishes, test } = current;
    if (delivered) {
      this.#finish(DELIVERED, current);
    } else if (step !== "roundtrip") {
      const evidence = `no ${step.toUpperCase()} within ${this.#patienceMs} ms`;
      const isUnsent = test.action === "receive" && step === "puback";
      this.#finish(isUnsent ? unsent(evidence) : { answer: "unanswered", evidence }, current);
    } else if (publishes < DELIVERIES) {
      this.#publish(current);
    } else {
      const evidence = `not delivered within ${DELIVERY_MS} ms, sent ${DELIVERIES} times`;
      this.#finish({ answer: "denied", evidence }, current);
    }
  }

  #finish(reading: Reading, current: Current): void {
    this.#input.attempt.enter(null);
    this.#answers.push({ test: current.test, ...reading });
    this.#takeBack();
    this.start();
  }

  #takeBack(): void {
    if (this.#filter !== null) this.#input.client.unsubscribe(this.#filter);
    this.#filter = null;
  }

  #wait(current: Current, step: Step, ms: number): void {
    current.step = step;
    this.#input.attempt.enter(step);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#silence(current), ms);
  }

  #readEnd({ test, step, delivered }: Current, ending: Ending): Reading {
    if (delivered) return DELIVERED;
    const sent = SENT[step];
    const reading =
      this.#disconnect === null
        ? readEnd(ending, sent)
        : readDisconnect(this.#disconnect.code, this.#disconnect.reason, sent);
    return test.action === "receive" && step !== "suback" ? unsent(reading.evidence) : reading;
  }
}

const DELIVERED: Reading = { answer: "allowed", evidence: "delivered" };
const SENT: Readonly<Record<Step, string>> = {
  suback: "SUBSCRIBE",
  puback: "PUBLISH",
  roundtrip: "PUBACK, before the message came back",
};

/** What was not sent cannot come back: that says nothing about receiving. */
function unsent(evidence: string): Reading {
  return { answer: "unanswered", evidence: `${evidence}; to receive needs a publish that succeeds` };
}

function readEnd(ending: Ending, sent: string): Reading {
  switch (ending.kind) {
    case "closed":
      return { answer: "denied", evidence: withReason(`closed after ${sent}`, ending.reason), closed: true };
    case "timeout":
      return { answer: "unanswered", evidence: `no answer to ${sent} within ${ending.timeoutMs} ms` };
    case "violation":
      return { answer: "unanswered", evidence: `after ${sent}: ${ending.reason}` };
    default:
      return { answer: "unanswered", evidence: `the connection failed after ${sent}` };
  }
}

function unanswered(test: TopicTest, evidence: string): TopicAnswer {
  return { test, answer: "unanswered", evidence };
}

/** MQTT 5 only. */
function reasonOf(packet: { readonly properties?: { readonly reasonString?: string } }): string | null {
  return packet.properties?.reasonString ?? null;
}
