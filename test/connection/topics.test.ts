import { describe, expect, it } from "vitest";
import { covers } from "../../src/connection/topic-filter.ts";
import { firstTests, proveTopics, topicTests } from "../../src/connection/topics.ts";
import type { Check } from "../../src/model/check.ts";
import type { DeviceContext } from "../../src/model/context.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { ProbeInput } from "../../src/model/ports.ts";
import type { Expectation } from "../../src/model/profile.ts";
import type { TopicAnswer, TopicTest } from "../../src/model/proof.ts";
import { ACCEPTED, CLOSED, checkOf, profileOf, REFUSED, targetOf, unreachable } from "../support/fixtures.ts";
import { wireOf } from "../support/gateway-input.ts";

const SIGNAL = new AbortController().signal;

const expectationOf = (changes: Partial<Expectation>): Expectation => ({ ...profileOf().expect, ...changes });

const contextOf = (protocol: Check["protocol"]): DeviceContext => ({
  authorizer: null,
  tokenKey: null,
  wire: wireOf(protocol),
  request: { token: null, tokenSignature: null, httpContext: null, mqttContext: null, tlsContext: null },
  secrets: [],
});

const accepted = (...topics: TopicAnswer[]): Outcome => ({ ...ACCEPTED, topics });
const allowed = (test: TopicTest): TopicAnswer => ({ test, answer: "allowed", evidence: "SUBACK 0" });
const denied = (test: TopicTest): TopicAnswer => ({ test, answer: "denied", evidence: "SUBACK 0x80" });
const closed = (test: TopicTest): TopicAnswer => ({
  test,
  answer: "denied",
  evidence: "closed after SUBSCRIBE",
  closed: true,
});

/** The gateway's part: what it does about the tests of one connection. */
type Gateway = (topics: readonly TopicTest[], connection: number) => Outcome;

async function prove(check: Check, gateway: Gateway) {
  const asked: (readonly TopicTest[])[] = [];
  const paths: string[] = [];
  const turns: (string | null)[] = [];
  const probe = async ({ topics, wire }: Pick<ProbeInput, "topics" | "wire">): Promise<Outcome> => {
    asked.push(topics);
    if (wire.kind === "https") paths.push(wire.path.exposeText());
    return gateway(topics, asked.length);
  };
  const pacer = {
    take: async () => {},
    throttled: () => {},
    connect: async (_target: unknown, clientId: string | null) => {
      turns.push(clientId);
      return () => {};
    },
  };
  const tests = topicTests(check);
  const context = contextOf(check.protocol);
  const outcome = await probe({ topics: firstTests(check, tests), wire: context.wire });
  const input = { check, context, target: targetOf(), tests, outcome };
  const answers = await proveTopics(input, { pacer, probe }, SIGNAL);
  const short = tests.map((test) => {
    const answer = answers.find((each) => each.test === test);
    return `${test.topic} ${answer?.answer ?? "not tried"}`;
  });
  return { tests, answers, short, asked, paths, turns };
}

const subscribing = (allow: readonly string[], deny: readonly string[]): Check =>
  checkOf({}, { expect: expectationOf({ subscribe: { allow, deny } }) });

describe("what is tried", () => {
  it("is what has to be allowed first, then what has to be denied", () => {
    const expect_ = expectationOf({
      publish: { allow: ["p"], deny: ["q"] },
      subscribe: { allow: ["s/+"], deny: ["t"] },
      receive: { allow: ["s/1", "r"], deny: ["u"] },
    });
    const tests = topicTests(checkOf({}, { expect: expect_ }));
    expect(tests).toEqual([
      { action: "publish", topic: "p", expected: "allow" },
      { action: "subscribe", topic: "s/+", expected: "allow" },
      { action: "receive", topic: "s/1", expected: "allow", filter: "s/+" },
      { action: "receive", topic: "r", expected: "allow" },
      { action: "publish", topic: "q", expected: "deny" },
      { action: "subscribe", topic: "t", expected: "deny" },
      { action: "receive", topic: "u", expected: "deny" },
    ]);
    const overHttps = topicTests(checkOf({ protocol: "https" }, { expect: expect_ }));
    expect(overHttps.map(({ action, topic }) => [action, topic])).toEqual([
      ["publish", "p"],
      ["publish", "q"],
    ]);
  });

  it("is nothing where the device has to stay out, unless it is another's topic that is closed to it", () => {
    const deny = expectationOf({ access: "deny", subscribe: { allow: [], deny: ["theirs"] } });
    expect(topicTests(checkOf({ expectation: "deny" }, { expect: deny }))).toEqual([]);
    expect(topicTests(checkOf({ expectation: "deny", derived: "wrong-password" }, { expect: deny }))).toEqual(
      [],
    );
    expect(
      topicTests(checkOf({ expectation: "deny", derived: "foreign-topic" }, { expect: deny })),
    ).toHaveLength(1);
  });

  it("is nothing where the device was not let in, or may be a live one", async () => {
    expect((await prove(subscribing(["a"], []), () => REFUSED)).answers).toEqual([]);
    const live = checkOf({}, { identity: "device", expect: subscribing(["a"], []).profile.expect });
    const { answers, asked } = await prove(live, () => accepted());
    expect(answers).toEqual([]);
    expect(asked).toHaveLength(1);
  });
});

describe("a gateway that hangs up", () => {
  /** Closes at the first topic that `refuses` names, and grants those before it. */
  const closing =
    (...refuses: readonly string[]): Gateway =>
    (topics) => {
      const at = topics.findIndex(({ topic }) => refuses.includes(topic));
      if (at < 0) return accepted(...topics.map(allowed));
      return accepted(...topics.slice(0, at).map(allowed), closed(topics[at] as TopicTest));
    };

  it("is believed once it lets the device in again, and asked for the rest there", async () => {
    const { short, asked, turns } = await prove(subscribing(["a"], ["b", "c"]), closing("b", "c"));
    expect(short).toEqual(["a allowed", "b denied", "c denied"]);
    expect(asked.map((topics) => topics.map(({ topic }) => topic))).toEqual([["a", "b", "c"], ["c"], []]);
    expect(turns).toEqual(["pump-1", "pump-1"]);
  });

  it("at what has to be allowed is asked once more, and first", async () => {
    const { short, asked } = await prove(subscribing(["a", "b", "c"], []), closing("b"));
    expect(short).toEqual(["a allowed", "b denied", "c allowed"]);
    expect(asked.map((topics) => topics.map(({ topic }) => topic))).toEqual([
      ["a", "b", "c"],
      ["b", "c"],
      ["c"],
    ]);
  });

  it("by chance, and not when asked again, denied nothing", async () => {
    const { short } = await prove(subscribing(["a"], ["b"]), (topics, connection) =>
      connection === 1 ? accepted(...topics.slice(0, 1).map(closed)) : accepted(...topics.map(allowed)),
    );
    expect(short).toEqual(["a allowed", "b allowed"]);
  });

  it.each([
    ["refuses the device", REFUSED],
    ["closes again", CLOSED],
    ["is not there", unreachable("TCP_REFUSED")],
    ["throttles", unreachable("GATEWAY_THROTTLED")],
  ])("and then %s was no denial", async (_what, after) => {
    const { answers, short } = await prove(subscribing(["a"], ["b", "c"]), (topics, connection) =>
      connection === 1 ? accepted(allowed(topics[0] as TopicTest), closed(topics[1] as TopicTest)) : after,
    );
    expect(short).toEqual(["a allowed", "b unanswered", "c unanswered"]);
    expect(answers.find(({ test }) => test.topic === "b")?.evidence).toMatch(
      /^closed after SUBSCRIBE; the device was not let in again: /,
    );
  });

  it("gets no more than ten connections", async () => {
    const many = Array.from({ length: 30 }, (_, index) => `t${index}`);
    const { short, asked } = await prove(subscribing([], many), closing(...many));
    expect(asked).toHaveLength(10);
    expect(short.filter((each) => each.endsWith(" denied"))).toHaveLength(9);
    expect(short.filter((each) => each.endsWith(" unanswered"))).toHaveLength(21);
  });

  it("that settles nothing at all gets no more either", async () => {
    const { short, asked } = await prove(subscribing(["a"], []), () => accepted());
    expect(asked).toHaveLength(10);
    expect(short).toEqual(["a unanswered"]);
  });
});

describe("a gateway that answers", () => {
  it("is asked once", async () => {
    const { short, asked } = await prove(subscribing(["a"], ["b"]), (topics) =>
      accepted(...topics.map((test) => (test.topic === "a" ? allowed(test) : denied(test)))),
    );
    expect(short).toEqual(["a allowed", "b denied"]);
    expect(asked).toHaveLength(1);
  });

  it("over https is asked for each topic on a connection of its own", async () => {
    const expectation = expectationOf({ publish: { allow: ["own/ä b"], deny: ["other", "gone"] } });
    const check = checkOf(
      { protocol: "https" },
      { expect: expectation, protocols: ["https"], topic: "smoke/pump-1" },
    );
    const status = { kind: "refused", how: "status", code: 403, reason: "HTTP 403" } as const;
    const { short, paths, turns, asked } = await prove(check, (_topics, connection) => {
      if (connection === 3) return { ...status, transport: ACCEPTED.transport };
      return connection === 4
        ? unreachable("GATEWAY_RESET")
        : { ...ACCEPTED, code: 200, sessionPresent: null };
    });
    expect(short).toEqual(["own/ä b allowed", "other denied", "gone unanswered"]);
    expect(paths).toEqual([
      "/topics/smoke%2Fpump-1?qos=1",
      "/topics/own%2F%C3%A4%20b?qos=1",
      "/topics/other?qos=1",
      "/topics/gone?qos=1",
    ]);
    expect(turns).toEqual([null, null, null]);
    expect(asked.every((topics) => topics.length === 0)).toBe(true);
  });
});

describe("a filter", () => {
  it.each([
    ["a/b", "a/b", true],
    ["a/b", "a/B", false],
    ["a/+", "a/b", true],
    ["a/+", "a/b/c", false],
    ["a/+", "a", false],
    ["+/b", "a/b", true],
    ["a/#", "a/b/c", true],
    ["a/#", "a", true],
    ["a/#", "ab", false],
    ["#", "a/b", true],
    ["#", "$aws/x", false],
    ["+/x", "$aws/x", false],
    ["$share/g/a/+", "a/b", false],
    ["a//b", "a//b", true],
    ["a/+/b", "a//b", true],
  ])("%s covers %s: %s", (filter, topic, isCovered) => {
    expect(covers(filter, topic)).toBe(isCovered);
  });
});
