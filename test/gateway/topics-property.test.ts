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
    weight: 2,
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
  { weight: 1, arbitrary: fc.constantFrom("close", "nothing").map((kind): Move => ({ kind })) },
);

const topics: fc.Arbitrary<readonly TopicTest[]> = fc.array(
  fc.record({
    action: fc.constantFrom(...TOPIC_ACTIONS),
    topic: fc.constant("smoke/1"),
    expected: fc.constantFrom("allow", "deny"),
  }),
  { maxLength: 4 },
);

test("whatever a peer says after CONNACK, the attempt is settled and nothing foreign is acknowledged", async () => {
  const acknowledged: string[] = [];
  let moves: readonly (readonly Move[])[] = [];
  let version: 4 | 5 = 4;
  await using peer = await tlsPeer(
    pki.good,
    (socket) => {
      let step = 0;
      const say = (session: MqttPeerSession, lastId: number): void => {
        const now = moves[step] ?? [];
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
      fc.array(fc.array(move, { maxLength: 4 }), { maxLength: 6 }),
      fc.constantFrom(4 as const, 5 as const),
      async (tests, script, mqttVersion) => {
        moves = script;
        version = mqttVersion;
        acknowledged.length = 0;
        const wire = wireOf("mqtt", { alpn: ["mqtt"] }, { mqttVersion });
        const outcome = await probe(
          inputOf(targetOf(pki, peer.port), wire, { topics: tests, timeoutMs: 150 }),
        );
        expect(acknowledged).toEqual([]);
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
    { numRuns: 60 },
  );
}, 60_000);
