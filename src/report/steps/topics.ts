import { scrub } from "../../lib/scrub.ts";
import type { Invocation } from "../../model/invocation.ts";
import type { Prediction } from "../../model/prediction.ts";
import type { TopicProof } from "../../model/proof.ts";
import type { Secret } from "../../model/secret.ts";
import type { Style } from "../style.ts";
import type { BoundedText } from "./bounded.ts";
import { block, field, joined, type Mark, marked } from "./layout.ts";
import { decidedBy, decidingStatement } from "./policy.ts";

/** One topic: what was expected, what the policy says, what the gateway did. */
export interface TopicStep {
  readonly action: TopicProof["test"]["action"];
  readonly topic: string;
  /** What was subscribed to, where that is another filter than the topic itself. */
  readonly filter: string | null;
  readonly expected: "allow" | "deny";
  readonly predicted: Prediction;
  /** Shown where the policy does not do what is expected. */
  readonly decidingStatement: BoundedText | null;
  readonly gateway: TopicProof["gateway"];
  readonly evidence: string;
}

const MAX_STATEMENT_LINES = 20;

export function topicSteps(
  topics: readonly TopicProof[],
  invocation: Invocation,
  secrets: readonly Secret[],
): TopicStep[] {
  return topics.map(({ test, predicted, gateway, evidence }) => {
    const { undecided } = predicted;
    const { action, topic, filter = null, expected } = test;
    const isSurprise = predicted.decision !== expected;
    return {
      ...{ action, topic, filter, expected },
      predicted: { ...predicted, undecided: undecided === null ? null : scrub(undecided, secrets) },
      decidingStatement: isSurprise ? decidingStatement(invocation, predicted, secrets) : null,
      gateway,
      evidence: scrub(evidence, secrets),
    };
  });
}

export function topicLines(topics: readonly TopicStep[], style: Style): string[] {
  return topics.flatMap((step) => {
    const {
      action,
      topic,
      filter,
      expected,
      predicted,
      gateway,
      evidence,
      decidingStatement: deciding,
    } = step;
    const through = filter === null ? "" : ` through ${filter}`;
    return [
      ...marked(action, markOf(step), `${topic}${through}, expected ${expected}`, style),
      ...field("", `policy: ${predicted.decision}, ${predicted.undecided ?? decidedBy(predicted)}`, style),
      ...field("", `gateway: ${joined([gateway, evidence])}`, style),
      ...(deciding === null ? [] : block(deciding.text, style, MAX_STATEMENT_LINES)),
    ];
  });
}

/** The gateway's word counts; where it was not asked or did not say, the policy's does not make up for it. */
function markOf({ expected, gateway, predicted }: TopicStep): Mark {
  if (gateway === "allowed" || gateway === "denied") {
    return (gateway === "allowed") === (expected === "allow") ? "good" : "bad";
  }
  if (predicted.decision !== "unknown" && predicted.decision !== expected) return "bad";
  return gateway === "not-tried" && predicted.decision === expected ? "none" : "unsure";
}
