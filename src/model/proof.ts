import type { Prediction } from "./prediction.ts";
import type { Access } from "./profile.ts";

export const TOPIC_ACTIONS = ["publish", "subscribe", "receive"] as const;
export type TopicAction = (typeof TOPIC_ACTIONS)[number];

/** One thing to try on the gateway after CONNACK. `topic`: a topic filter for `subscribe`. */
export interface TopicTest {
  readonly action: TopicAction;
  readonly topic: string;
  readonly expected: Access;
  /** For `receive`: what to subscribe to, where that is not the topic itself but a filter that covers it. */
  readonly filter?: string;
}

/**
 * What the gateway did about one test. `unanswered`: neither an answer nor a close within the time, or an end that
 * may have other reasons. `evidence`: scrubbed, for example `SUBACK 0x87`, `closed after PUBLISH`.
 */
export interface TopicAnswer {
  readonly test: TopicTest;
  readonly answer: "allowed" | "denied" | "unanswered";
  readonly evidence: string;
  /** Denied by a close without a word: an outage looks the same until the gateway lets the device in again. */
  readonly closed?: true;
}

/** A test with what the policy says about it. `not-tried`: predicted only, for example for a live device. */
export interface TopicProof {
  readonly test: TopicTest;
  readonly predicted: Prediction;
  readonly gateway: TopicAnswer["answer"] | "not-tried";
  readonly evidence: string;
}
