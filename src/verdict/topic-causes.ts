import { assertNever } from "../lib/errors.ts";
import type { CauseCode } from "../model/causes.ts";
import type { Check } from "../model/check.ts";
import type { Facts } from "../model/facts.ts";
import type { Json } from "../model/invocation.ts";
import type { Prediction } from "../model/prediction.ts";
import type { TopicExpectation } from "../model/profile.ts";
import type { TopicAction, TopicProof } from "../model/proof.ts";
import type { Finding } from "./facts.ts";

export interface TopicVerdict {
  readonly kind: "fail" | "inconclusive";
  /** What failed first, then what stays open; one for each code. */
  readonly findings: readonly Finding[];
}

/** So many reasons are named for each code, with so many topics each; a profile may list hundreds. */
const MAX_NAMED = 3;

/**
 * Are the topics as the profile expects? null: each proof is as expected. Where the gateway was tried its word
 * counts, else the prediction's; what neither settles is open, and so is a denial that the policy does not explain.
 */
export function judgeTopics(facts: Facts): TopicVerdict | null {
  const missing = listed(facts.check) - facts.topics.length;
  if (missing > 0) {
    const evidence = `${missing} topics of the profile were not looked at`;
    return { kind: "inconclusive", findings: [{ code: "TOPIC_UNPROVEN", evidence }] };
  }
  const found = facts.topics.flatMap((proof) => judgeProof(proof) ?? []);
  if (found.length === 0) return null;
  const failed = found.filter(({ isSure }) => isSure);
  const open = found.filter(({ isSure }) => !isSure);
  return {
    kind: failed.length > 0 ? "fail" : "inconclusive",
    findings: [...grouped(failed, facts), ...grouped(open, facts)],
  };
}

/** What must have a proof: nothing where the device has to stay out. */
function listed({ expectation, protocol, profile: { expect } }: Check): number {
  if (expectation === "deny") return 0;
  const count = ({ allow, deny }: TopicExpectation) => allow.length + deny.length;
  if (protocol === "https") return count(expect.publish);
  const topics = count(expect.publish) + count(expect.subscribe) + count(expect.receive);
  return expect.preset === null ? topics : topics + 1;
}

interface Judged {
  readonly code: CauseCode;
  readonly isSure: boolean;
  readonly proof: TopicProof;
}

function judgeProof(proof: TopicProof): Judged | null {
  const { test, predicted, gateway } = proof;
  const isExpected = test.expected === "allow";
  const failed: Judged = {
    code: isExpected ? DENIED[test.action] : "POLICY_TOO_OPEN",
    isSure: true,
    proof,
  };
  const open: Judged = { code: "TOPIC_UNPROVEN", isSure: false, proof };
  switch (gateway) {
    case "allowed":
      return isExpected ? null : failed;
    case "denied":
      if (isExpected) return failed;
      return predicted.decision === "allow" ? open : null;
    case "unanswered":
      // A gateway may drop without a word what the policy denies: that is then the likeliest reason, but no proof.
      return isExpected && predicted.decision === "deny" ? { ...failed, isSure: false } : open;
    case "not-tried":
      if (predicted.decision === "unknown") return { ...open, code: "POLICY_UNDECIDABLE" };
      return predicted.decision === test.expected ? null : failed;
    default:
      return assertNever(gateway, "gateway");
  }
}

const DENIED: Readonly<Record<TopicAction, CauseCode>> = {
  publish: "POLICY_PUBLISH_DENIED",
  subscribe: "POLICY_SUBSCRIBE_DENIED",
  receive: "POLICY_RECEIVE_DENIED",
};

function grouped(judged: readonly Judged[], facts: Facts): Finding[] {
  return [...Map.groupBy(judged, ({ code }) => code)].map(([code, group]) => {
    // What is so for the same reason is said once, with its topics.
    const alike = Map.groupBy(group, ({ proof }) => aboutTopics(proof, "…", facts));
    const parts = [...alike.values()];
    const named = parts.slice(0, MAX_NAMED).map((part) => evidenceOf(part, facts));
    const more = parts.slice(MAX_NAMED).reduce((all, part) => all + part.length, 0);
    return { code, evidence: [...named, ...(more > 0 ? [`and ${more} more`] : [])].join("; ") };
  });
}

function evidenceOf(alike: readonly Judged[], facts: Facts): string {
  const topics = alike.slice(0, MAX_NAMED).map(({ proof }) => proof.test.topic);
  const more = alike.length - topics.length;
  const [first] = alike;
  return first
    ? aboutTopics(first.proof, topics.join(", ") + (more > 0 ? ` and ${more} more` : ""), facts)
    : "";
}

/** For example `publish smoke/1 should be allowed: PUBACK 0x87; policy: statement 0 of document 1 denies it`. */
function aboutTopics(
  { test, predicted, gateway, evidence }: TopicProof,
  topics: string,
  facts: Facts,
): string {
  const should = test.expected === "allow" ? "allowed" : "denied";
  const seen = gateway === "not-tried" ? "not tried" : `${gateway}, ${evidence}`;
  const hint = mixUp(test.action, predicted, facts);
  return `${test.action} ${topics} should be ${should}: ${seen}; policy: ${whatDecided(predicted)}${hint}`;
}

function whatDecided({ by, document, statement, undecided }: Prediction): string {
  const where = `statement ${statement} of document ${document}`;
  switch (by) {
    case "allow":
      return `${where} allows it`;
    case "explicit-deny":
      return `${where} denies it`;
    case "implicit-deny":
      return "no statement allows it";
    case null:
      return undecided ?? "unknown";
    default:
      return assertNever(by, "by");
  }
}

/** Row 12: a statement that means this action, with the other kind of resource. */
function mixUp(action: TopicAction, predicted: Prediction, { invocation }: Facts): string {
  if (predicted.by !== "implicit-deny" || invocation.kind !== "allowed") return "";
  for (const [right, wrong, actions] of KINDS) {
    if (!APPLIES[action].includes(right)) continue;
    for (const [document, json] of invocation.answer.policyDocuments.entries()) {
      const statement = statementsOf(json).findIndex((each) => isMixedUp(each, actions, `:${wrong}/`));
      if (statement >= 0) {
        return ` (statement ${statement} of document ${document} names ${wrong}/ for ${actions.join(" or ")}: it has to be ${right}/)`;
      }
    }
  }
  return "";
}

const KINDS = [
  ["topicfilter", "topic", ["iot:Subscribe"]],
  ["topic", "topicfilter", ["iot:Publish", "iot:Receive"]],
] as const;

/** To receive needs a subscription as well. */
const APPLIES: Readonly<Record<TopicAction, readonly string[]>> = {
  publish: ["topic"],
  subscribe: ["topicfilter"],
  receive: ["topic", "topicfilter"],
};

function isMixedUp(statement: Json, actions: readonly string[], wrong: string): boolean {
  if (!isObject(statement) || statement.Effect !== "Allow") return false;
  const named = textsOf(statement.Action).map((each) => each.toLowerCase());
  const isMeant = actions.some((each) => named.includes(each.toLowerCase()));
  return isMeant && textsOf(statement.Resource).some((each) => each.includes(wrong));
}

function statementsOf(document: Json): readonly Json[] {
  return isObject(document) ? ([document.Statement ?? []].flat() as Json[]) : [];
}

function textsOf(json: Json | undefined): readonly string[] {
  return [json ?? []].flat().filter((each) => typeof each === "string");
}

function isObject(json: Json): json is { readonly [key: string]: Json } {
  return typeof json === "object" && json !== null && !Array.isArray(json);
}
