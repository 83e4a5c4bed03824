import { MOST_CONNECTIONS_OF_CHECK } from "../lib/pacing.ts";
import type { Check } from "../model/check.ts";
import type { DeviceContext, Wire } from "../model/context.ts";
import type { Outcome } from "../model/outcome.ts";
import { TOPIC_ACTIONS, type TopicAnswer, type TopicTest } from "../model/proof.ts";
import { Secret } from "../model/secret.ts";
import type { ReadyTarget } from "../model/target.ts";
import { type ConnectionPorts, pacedProbe } from "./connect.ts";
import { covers } from "./topic-filter.ts";

type ProbePorts = Pick<ConnectionPorts, "pacer" | "probe">;
type HttpsWire = Extract<Wire, { readonly kind: "https" }>;

/**
 * What the profile expects of topics, as tests: what has to be allowed first, so that a gateway that answers a
 * refusal by closing costs the fewest connections. None where the device has to stay out altogether; one that has to
 * stay out of another's topic only gets in by itself. Over https there is nothing but publishing; the profile's other
 * protocols show the rest.
 */
export function topicTests({ profile, protocol, expectation, derived }: Check): readonly TopicTest[] {
  if (expectation === "deny" && derived !== "foreign-topic") return [];
  const { expect } = profile;
  const actions = protocol === "https" ? (["publish"] as const) : TOPIC_ACTIONS;
  const testOf = (action: TopicTest["action"], topic: string, expected: TopicTest["expected"]): TopicTest => {
    if (action !== "receive") return { action, topic, expected };
    const filter = expect.subscribe.allow.find((each) => covers(each, topic));
    return { action, topic, expected, ...(filter === undefined ? {} : { filter }) };
  };
  return (["allow", "deny"] as const).flatMap((expected) =>
    actions.flatMap((action) => expect[action][expected].map((topic) => testOf(action, topic, expected))),
  );
}

/** What the check's own connection tries; over https every publish is a connection of its own. */
export function firstTests({ protocol }: Check, tests: readonly TopicTest[]): readonly TopicTest[] {
  return protocol === "https" ? [] : tests;
}

export interface ProveInput {
  readonly check: Check;
  readonly context: DeviceContext;
  readonly target: ReadyTarget;
  readonly tests: readonly TopicTest[];
  /** Of the check's own connection, which tried the `firstTests`. */
  readonly outcome: Outcome;
}

/**
 * Settles what the check's own connection left open, with further connections one after the other: a gateway may end
 * one instead of refusing. No answers where the device was not let in, or may be a live one, whose session is left
 * alone.
 */
export async function proveTopics(
  input: ProveInput,
  ports: ProbePorts,
  signal: AbortSignal,
): Promise<readonly TopicAnswer[]> {
  const { check, outcome, context, tests } = input;
  if (tests.length === 0 || outcome.kind !== "accepted" || check.profile.identity === "device") return [];
  const { wire } = context;
  const connectFor: ConnectFor = (wireOfOne, topics) =>
    pacedProbe({ ...context, wire: wireOfOne }, input.target, topics, ports, signal);
  if (wire.kind === "https") return publishEach(wire, tests, connectFor);
  return settleAll(tests, outcome.topics, (open) => connectFor(wire, open));
}

type ConnectFor = (wire: Wire, topics: readonly TopicTest[]) => Promise<{ readonly outcome: Outcome }>;

/**
 * Makes connections until every test has its answer. A bare close counts as a denial only when the gateway lets the
 * device in again afterwards; what has to be allowed is tried once more before it counts at all.
 */
async function settleAll(
  tests: readonly TopicTest[],
  first: readonly TopicAnswer[],
  connectWith: (open: readonly TopicTest[]) => Promise<{ readonly outcome: Outcome }>,
): Promise<readonly TopicAnswer[]> {
  const answers = new Map<TopicTest, TopicAnswer>();
  const closedOnce = new Set<TopicTest>();
  let unconfirmed = takeIn(first, answers, closedOnce);
  for (let connections = 1; ; connections += 1) {
    const open = tests.filter((test) => !answers.has(test));
    if (open.length === 0 && unconfirmed === null) break;
    const problem =
      connections < MOST_CONNECTIONS_OF_CHECK ? null : `${MOST_CONNECTIONS_OF_CHECK} connections were ended`;
    // What is tried again comes first: there no other test can be what the gateway closes for.
    const ordered = [...open].sort((a, b) => Number(closedOnce.has(b)) - Number(closedOnce.has(a)));
    const outcome = problem === null ? (await connectWith(ordered)).outcome : null;
    if (outcome?.kind !== "accepted") {
      const why = problem ?? `the device was not let in again: ${outcome === null ? "" : reasonOf(outcome)}`;
      if (unconfirmed !== null) {
        answers.set(unconfirmed.test, unanswered(unconfirmed.test, `${unconfirmed.evidence}; ${why}`));
      }
      for (const test of open) answers.set(test, unanswered(test, `not tried to the end: ${why}`));
      break;
    }
    unconfirmed = takeIn(outcome.topics, answers, closedOnce);
  }
  return [...answers.values()];
}

/** Keeps a connection's answers; the one that is yet to be confirmed, if any. */
function takeIn(
  fresh: readonly TopicAnswer[],
  answers: Map<TopicTest, TopicAnswer>,
  closedOnce: Set<TopicTest>,
): TopicAnswer | null {
  let unconfirmed: TopicAnswer | null = null;
  for (const answer of fresh) {
    const { test, closed } = answer;
    if (closed && test.expected === "allow" && !closedOnce.has(test)) {
      closedOnce.add(test);
      continue;
    }
    answers.set(test, answer);
    if (closed) unconfirmed = answer;
  }
  return unconfirmed;
}

/** Over https every publish is a request of its own, on a connection of its own, as the device would make it. */
async function publishEach(
  wire: HttpsWire,
  tests: readonly TopicTest[],
  connectFor: ConnectFor,
): Promise<readonly TopicAnswer[]> {
  const answers: TopicAnswer[] = [];
  for (const test of tests) {
    const { outcome } = await connectFor({ ...wire, path: pathTo(test.topic, wire.path) }, []);
    answers.push(publishAnswer(test, outcome));
  }
  return answers;
}

function publishAnswer(test: TopicTest, outcome: Outcome): TopicAnswer {
  if (outcome.kind === "accepted") return { test, answer: "allowed", evidence: `HTTP ${outcome.code}` };
  const isDenied = outcome.kind === "refused" && outcome.how === "status";
  return { test, answer: isDenied ? "denied" : "unanswered", evidence: reasonOf(outcome) };
}

/** The same request for another topic: `/topics/<encoded topic>?…` (DG http). */
function pathTo(topic: string, path: Secret): Secret {
  const [, query = ""] = /^[^?]*(\?.*)?$/s.exec(path.exposeText()) ?? [];
  return new Secret(`/topics/${encodeURIComponent(topic)}${query}`);
}

function unanswered(test: TopicTest, evidence: string): TopicAnswer {
  return { test, answer: "unanswered", evidence };
}

function reasonOf(outcome: Outcome): string {
  if (outcome.kind === "accepted") return "accepted";
  return outcome.reason ?? outcome.kind;
}
