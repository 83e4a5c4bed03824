import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Activity } from "../../src/emulator/broker/activity.ts";
import { Broker, type Connection, type Subscription } from "../../src/emulator/broker/broker.ts";
import type { Message } from "../../src/emulator/broker/message.ts";
import { covers, isFilter, isTopic } from "../../src/emulator/broker/topics.ts";
import { Outbox } from "../../src/emulator/gateway/outbox.ts";
import { Throughput } from "../../src/emulator/gateway/throughput.ts";

class Client implements Connection {
  readonly got: string[] = [];
  isTakenOver = false;

  deliver({ topic, qos, retain }: Message): boolean {
    this.got.push(`${topic} ${qos}${retain ? " retained" : ""}`);
    return true;
  }

  takenOver(): void {
    this.isTakenOver = true;
  }

  dismissed({ withWill }: { readonly withWill: boolean }): void {
    this.got.push(`dismissed ${withWill}`);
  }
}

function message(topic: string, changes: Partial<Message> = {}): Message {
  return { topic, payload: Buffer.from("x"), qos: 0, retain: false, properties: {}, ...changes };
}

function subscription(filter: string, changes: Partial<Subscription> = {}): [string, Subscription] {
  return [filter, { filter, qos: 1, noLocal: false, retainAsPublished: false, ...changes }];
}

function join(broker: Broker, id: string, expirySeconds: number, ...filters: [string, Subscription][]) {
  const client = new Client();
  const { session, present } = broker.connect(id, client, { clean: expirySeconds === 0, expirySeconds });
  for (const [filter, each] of filters) session.subscriptions.set(filter, each);
  return { client, session, present };
}

describe("topics and filters", () => {
  test.each([
    ["a/b", "a/b", true],
    ["a/+", "a/b", true],
    ["a/+", "a/b/c", false],
    ["a/#", "a/b/c", true],
    ["a/#", "a", true],
    ["+/b", "a/b", true],
    ["#", "$aws/a", false],
    ["+/a", "$aws/a", false],
    ["$aws/#", "$aws/a", true],
    ["a", "a/", false],
    ["a/+", "a/", true],
  ])("%s covers %s: %s", (filter, topic, expected) => {
    expect(covers(filter, topic)).toBe(expected);
  });

  test.each(["a", "+", "#", "a/+/b", "a/#", "$share/g/a/#", `${"x".repeat(256)}`])(
    "%s is a filter",
    (filter) => {
      expect(isFilter(filter)).toBe(true);
    },
  );

  test.each(["", "a#", "a/#/b", "a+", "+a/b", "$share/g/", "a\0b", "a/b/c/d/e/f/g/h/i"])(
    "%j is none",
    (filter) => {
      expect(isFilter(filter)).toBe(false);
    },
  );

  test("a topic covers itself, and every filter made of it by widening", () => {
    const level = fc.stringMatching(/^[a-z0-9]{0,5}$/);
    const levels = fc.array(level, { minLength: 1, maxLength: 7 }).filter((each) => each.join("/") !== "");
    fc.assert(
      fc.property(
        levels,
        fc.array(fc.boolean(), { minLength: 7, maxLength: 7 }),
        fc.nat(7),
        (topic, wide, cut) => {
          const text = topic.join("/");
          expect(isTopic(text)).toBe(true);
          const widened = topic.map((each, index) => (wide[index] ? "+" : each));
          expect(covers(widened.join("/"), text)).toBe(true);
          expect(covers([...widened.slice(0, cut), "#"].join("/"), text)).toBe(true);
          expect(covers(`${text}/more`, text)).toBe(false);
        },
      ),
    );
  });
});

describe("delivery", () => {
  test("overlapping subscriptions get one copy with the highest QoS", () => {
    const broker = new Broker();
    const { client } = join(broker, "a", 0, subscription("t/#", { qos: 0 }), subscription("t/+"));
    broker.publish(message("t/1", { qos: 1 }), null);
    expect(client.got).toEqual(["t/1 1"]);
    broker.stop();
  });

  test("a client that wants nothing of its own gets nothing of its own", () => {
    const broker = new Broker();
    const { client } = join(broker, "a", 0, subscription("t", { noLocal: true }));
    broker.publish(message("t"), "a");
    broker.publish(message("t"), "b");
    expect(client.got).toEqual(["t 0"]);
    broker.stop();
  });

  test("a shared subscription gives each message to one member, in turn, the present ones first", () => {
    const broker = new Broker();
    const members = ["a", "b"].map((id) => join(broker, id, 0, subscription("$share/g/t")));
    const absent = join(broker, "c", 60, subscription("$share/g/t"));
    broker.disconnect(absent.session, absent.client);
    for (let count = 0; count < 4; count++) broker.publish(message("t"), null);
    expect(members.map(({ client }) => client.got.length)).toEqual([2, 2]);
    broker.stop();
  });

  test("what is retained is the last message, until an empty one", () => {
    const broker = new Broker();
    broker.publish(message("t/a", { retain: true, payload: Buffer.from("1") }), null);
    broker.publish(message("t/a", { retain: true, payload: Buffer.from("2") }), null);
    expect(broker.retainedFor("t/+").map(({ payload }) => payload.toString())).toEqual(["2"]);
    expect(broker.retainedFor("$share/g/t/+")).toEqual([]);
    broker.publish(message("t/a", { retain: true, payload: Buffer.alloc(0) }), null);
    expect(broker.retainedFor("t/+")).toEqual([]);
    broker.stop();
  });
});

describe("sessions", () => {
  test("an absent client's session keeps QoS 1 messages only", () => {
    const broker = new Broker();
    const before = join(broker, "a", 60, subscription("t"));
    broker.disconnect(before.session, before.client);
    broker.publish(message("t", { qos: 1 }), null);
    broker.publish(message("t", { qos: 0 }), null);
    const after = join(broker, "a", 60);
    expect([after.present, after.session.queue.length]).toEqual([true, 1]);
    broker.stop();
  });

  test("a clean start, and an expiry of 0, leave nothing behind", () => {
    const broker = new Broker();
    const first = join(broker, "a", 60, subscription("t"));
    broker.disconnect(first.session, first.client);
    const clean = join(broker, "a", 0);
    expect([clean.present, clean.session.subscriptions.size]).toEqual([false, 0]);
    broker.disconnect(clean.session, clean.client);
    expect(join(broker, "a", 60).present).toBe(false);
    broker.stop();
  });

  test("the older connection is told, and its end then changes nothing", () => {
    const broker = new Broker();
    const older = join(broker, "a", 60);
    const newer = join(broker, "a", 60, subscription("t"));
    expect([older.client.isTakenOver, newer.client.isTakenOver]).toEqual([true, false]);
    broker.disconnect(older.session, older.client);
    broker.publish(message("t"), null);
    expect(newer.client.got).toEqual(["t 0"]);
    broker.stop();
  });
});

describe("a message that expires", () => {
  const brief = (topic: string, changes: Partial<Message> = {}) =>
    message(topic, { qos: 1, properties: { messageExpiryInterval: 10 }, ...changes });

  function start() {
    const clock = { ms: 5000 };
    const broker = new Broker(() => clock.ms);
    const pass = (seconds: number) => {
      clock.ms += seconds * 1000;
    };
    return { broker, pass };
  }

  test("is queued until then, and comes with what is left of its interval", () => {
    const { broker, pass } = start();
    const { session, client } = join(broker, "a", 600, subscription("t"));
    broker.disconnect(session, client);
    broker.publish(brief("t", { properties: { messageExpiryInterval: 3 } }), null);
    broker.publish(brief("t"), null);
    broker.publish(message("t", { qos: 1 }), null);
    pass(2.5);
    expect(broker.kept("a")?.queued).toBe(3);
    pass(0.5);
    expect(broker.kept("a")?.queued).toBe(2);
    const intervals = () =>
      broker.takeQueued(session).map(({ properties }) => properties.messageExpiryInterval);
    expect(intervals()).toEqual([7, undefined]);
    expect(intervals()).toEqual([]);
    broker.stop();
  });

  test("is retained until then", () => {
    const { broker, pass } = start();
    broker.publish(brief("t", { retain: true }), null);
    const left = () => broker.retainedFor("t").map(({ properties }) => properties.messageExpiryInterval);
    expect(left()).toEqual([10]);
    pass(9);
    expect(left()).toEqual([1]);
    pass(1);
    expect(left()).toEqual([]);
    broker.stop();
  });

  test("does not leave the queue of a client that takes its time", () => {
    const { broker, pass } = start();
    const sent: unknown[] = [];
    const outbox = new Outbox(1, ({ properties }) => sent.push(properties.messageExpiryInterval));
    const client: Connection = {
      deliver: (each) => {
        outbox.add(each);
        return true;
      },
      takenOver: () => {},
      dismissed: () => {},
    };
    const { session } = broker.connect("a", client, { clean: true, expirySeconds: 0 });
    session.subscriptions.set(...subscription("t"));
    for (const seconds of [100, 3, 10]) {
      broker.publish(brief("t", { properties: { messageExpiryInterval: seconds } }), null);
    }
    pass(4);
    outbox.acknowledge(1, (waiting) => broker.due(waiting));
    expect(sent).toEqual([100, 6]);
    broker.stop();
  });

  test("has no interval to tell of where it came without one, and passes at once in full", () => {
    const { broker } = start();
    const seen: unknown[] = [];
    const client: Connection = {
      deliver: ({ properties }) => seen.push(properties.messageExpiryInterval) > 0,
      takenOver: () => {},
      dismissed: () => {},
    };
    const { session } = broker.connect("a", client, { clean: true, expirySeconds: 0 });
    session.subscriptions.set(...subscription("t"));
    broker.publish(brief("t"), null);
    broker.publish(message("t"), null);
    expect(seen).toEqual([10, undefined]);
    broker.stop();
  });
});

describe("a connection's throughput", () => {
  test("is never above its bytes a second, after a second's worth at once", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 100, max: 10_000 }),
        fc.array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 500 }))),
        (bytesPerSecond, packets) => {
          let now = 0;
          const throughput = new Throughput(bytesPerSecond, () => now);
          let passed = 0;
          let largest = 0;
          for (const [bytes, pauseMs] of packets) {
            now += pauseMs;
            now += throughput.waitMs;
            expect(throughput.waitMs).toBeLessThan(0.001);
            throughput.spend(bytes);
            passed += bytes;
            largest = Math.max(largest, bytes);
            expect(passed).toBeLessThanOrEqual(bytesPerSecond * (1 + now / 1000) + largest + 0.01);
          }
        },
      ),
    );
  });

  test("is not slowed down below it", () => {
    let now = 0;
    const throughput = new Throughput(1000, () => now);
    for (let count = 0; count < 100; count++) {
      expect(throughput.waitMs).toBe(0);
      throughput.spend(100);
      now += 100;
    }
    throughput.spend(1500);
    expect(throughput.waitMs).toBeCloseTo(500);
  });
});

describe("what client ids have done", () => {
  test("is remembered of the 10 000 that were heard of last", () => {
    const activity = new Activity();
    for (let client = 0; client < 10_000; client++) activity.connect(`c${client}`);
    activity.connect("c0");
    activity.connect("new");
    expect([activity.of("c0").connects, activity.of("c1").connects, activity.of("c2").connects]).toEqual([
      ...[2, 0, 1],
    ]);
  });
});

describe("QoS 1 on its way to a client", () => {
  test("no more than the limit is unacknowledged, all arrive in order, ids are free when used", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.integer({ min: 1, max: 300 }),
        (receiveMaximum, count) => {
          const open = new Set<number>();
          const sent: string[] = [];
          const outbox = new Outbox(receiveMaximum, ({ topic }, id) => {
            expect(open.has(id)).toBe(false);
            open.add(id);
            sent.push(topic);
          });
          for (let index = 0; index < count; index++) outbox.add(message(`t${index}`, { qos: 1 }));
          expect(open.size).toBe(Math.min(count, receiveMaximum, 100));
          while (open.size > 0) {
            const [id = 0] = open;
            open.delete(id);
            outbox.acknowledge(id);
            outbox.acknowledge(id);
          }
          expect(sent).toEqual(Array.from({ length: count }, (_, index) => `t${index}`));
          expect(outbox.unacknowledged()).toEqual([]);
        },
      ),
      { numRuns: 50 },
    );
  });
});
