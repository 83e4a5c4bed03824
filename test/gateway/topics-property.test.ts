import fc from "fast-check";
import { generate, type Packet } from "mqtt-packet";
import { beforeAll, expect, test } from "vitest";
import { probe } from "../../src/gateway/probers.ts";
import { TOPIC_ACTIONS, type TopicTest } from "../../src/model/proof.ts";
import { inputOf, targetOf, wireOf } from "../support/gateway-input.ts";
import { type MqttPeerSession, serveMqtt, tlsPeer } from "../support/gateway-peers.ts";
import { makePki, type Pki } from "../support/gateway-pki.ts";

let pki: Pki;
beforeAll(() => {
  pki = makePki();
});

/** Acknowledgements of what others sent: QoS 1 and both halves of QoS 2. */
const ACKNOWLEDGING: ReadonlySet<string> = new Set(["puback", "pubrec", "pubrel", "pubcomp"]);

type Move =
  | { readonly kind: "packet"; readonly make: (lastId: number) => Packet }
  | { readonly kind: "bytes"; readonly bytes: readonly number[] }
  | { readonly kind: "close" | "nothing" };

/** PUBLISH of each QoS, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK, UNSUBACK, DISCONNECT and AUTH. */
const ANSWERS = [0x30, 0x32, 0x34, 0x40, 0x50, 0x62, 0x70, 0x90, 0xb0, 0xe0, 0xf0] as const;

const id = (lastId: number, isRight: boolean): number => (isRight ? lastId : 4000 + lastId);

const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(fc.boolean(), fc.constantFrom(0, 1, 0x80)).map(
      ([isRight, code]): Move => ({
        kind: "packet",
        make: (last) => ({ cmd: "suback", messageId: id(last, isRight), granted: [code] }),
      }),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.boolean(), fc.constantFrom(0, 0x10, 0x87, 0x97)).map(
      ([isRight, reasonCode]): Move => ({
        kind: "packet",
        make: (last) => ({ cmd: "puback", messageId: id(last, isRight), reasonCode }),
      }),
    ),
  },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(0, 1, 2), fc.constantFrom("fleet-smoke probe", "on"), fc.nat(9)).map(
      ([qos, payload, messageId]): Move => ({
        kind: "packet",
        make: () => ({
          cmd: "publish",
          topic: "smoke/1",
          payload,
          qos: qos as 0 | 1 | 2,
          dup: false,
          retain: false,
          ...(qos === 0 ? {} : { messageId: messageId + 1 }),
        }),
      }),
    ),
  },
  {
    weight: 9,
    arbitrary: fc.constantFrom("pubrec", "pubrel", "pubcomp", "unsuback").map(
      (cmd): Move => ({
        kind: "packet",
        make: (last) => ({ cmd, messageId: last, granted: [0] }) as Packet,
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom("pingreq", "pingresp", "connack").map(
      (cmd): Move => ({
        kind: "packet",
        make: () => ({ cmd, sessionPresent: false, returnCode: 0, reasonCode: 0 }) as Packet,
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.constantFrom(0, 0x87, 0x8e, 0x97).map(
      (reasonCode): Move => ({
        kind: "packet",
        make: () => ({ cmd: "disconnect", reasonCode }),
      }),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.nat(255), { minLength: 1, maxLength: 8 })
      .map((bytes): Move => ({ kind: "bytes", bytes })),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...ANSWERS), fc.nat(6), fc.nat(9), fc.nat(255))
      .map(([type, length, at, byte]): Move => {
        const body = Array.from({ length }, (_, index) => (index === at ? byte : index % 3));
        return { kind: "bytes", bytes: [type, length, ...body] };
      }),
  },
  { weight: 1, arbitrary: fc.constantFrom("close", "nothing").map((kind): Move => ({ kind })) },
);

/** Keeps what is subscribed to, as the gateway would. */
function keep(filters: Set<string>, packet: Packet): void {
  if (packet.cmd === "subscribe") for (const { topic } of packet.subscriptions) filters.add(topic);
  if (packet.cmd === "unsubscribe") for (const topic of packet.unsubscriptions) filters.delete(topic);
}

/** May the gateway refuse a subscription by it? Bytes can spell a SUBACK, too. */
function refuses(each: Move): boolean {
  if (each.kind === "bytes") return each.bytes.includes(0x90);
  if (each.kind !== "packet") return false;
  const packet = each.make(1);
  return packet.cmd === "suback" && packet.granted.some((code) => code === 0x80);
}

const topics: fc.Arbitrary<readonly TopicTest[]> = fc.array(
  fc.record({
    action: fc.constantFrom(...TOPIC_ACTIONS),
    topic: fc.constant("smoke/1"),
    expected: fc.constantFrom("allow", "deny"),
  }),
  { maxLength: 4 },
);

test("whatever a peer says after CONNACK, the attempt is settled, nothing foreign is acknowledged, no subscription stays", async () => {
  // Each case has its own: what the connection before it still says comes late.
  const fresh = () => ({ acknowledged: [] as string[], left: [] as string[] });
  let seen = fresh();
  let moves: readonly (readonly Move[])[] = [];
  let version: 4 | 5 = 4;
  await using peer = await tlsPeer(
    pki.good,
    (socket) => {
      let step = 0;
      const { acknowledged, left } = seen;
      const filters = new Set<string>();
      const say = (session: MqttPeerSession, lastId: number): void => {
        // It hangs up when it has nothing more to say: waiting for the time to be up is among the moves.
        const now = moves[step] ?? [{ kind: "close" }];
        step += 1;
        // In one piece, so that packets also arrive together.
        const pieces = now.flatMap((each) => {
          if (each.kind === "bytes") return [Buffer.from(each.bytes)];
          return each.kind === "packet" ? [generate(each.make(lastId), { protocolVersion: version })] : [];
        });
        if (pieces.length > 0) session.stream.write(Buffer.concat(pieces));
        if (now.some(({ kind }) => kind === "close")) session.stream.end();
      };
      serveMqtt(socket, {
        onConnect: (_packet, session) => {
          session.raw(version === 4 ? [0x20, 2, 0, 0] : [0x20, 3, 0, 0, 0]);
          say(session, 1);
        },
        onPacket: (packet, session) => {
          if (ACKNOWLEDGING.has(packet.cmd)) acknowledged.push(packet.cmd);
          keep(filters, packet);
          if (packet.cmd === "disconnect") left.push(...filters);
          if (packet.cmd === "disconnect") session.stream.end();
          else say(session, packet.messageId ?? 0);
        },
      });
    },
    { ALPNProtocols: ["mqtt"] },
  );
  await fc.assert(
    fc.asyncProperty(
      topics,
      fc.array(fc.array(move, { minLength: 1, maxLength: 4 }), { maxLength: 6 }),
      fc.constantFrom(4 as const, 5 as const),
      async (tests, script, mqttVersion) => {
        moves = script;
        version = mqttVersion;
        seen = fresh();
        const { acknowledged, left } = seen;
        const wire = wireOf("mqtt", { alpn: ["mqtt"] }, { mqttVersion });
        const outcome = await probe(
          inputOf(targetOf(pki, peer.port), wire, { topics: tests, timeoutMs: 400 }),
        );
        expect(acknowledged).toEqual([]);
        // One that is refused need not be taken back.
        if (!script.flat().some(refuses)) expect(left).toEqual([]);
        if (outcome.kind !== "accepted") {
          expect(outcome).toMatchObject({ kind: "broken", cause: "SESSION_TAKEN_OVER" });
          return;
        }
        // The answers are those of the first tests, in their order.
        expect(outcome.topics.map(({ test: each }) => each)).toEqual(tests.slice(0, outcome.topics.length));
        for (const { answer, closed, evidence } of outcome.topics) {
          expect(evidence).not.toBe("");
          if (closed) expect(answer).toBe("denied");
        }
      },
    ),
    { numRuns: 120 },
  );
}, 60_000);
