import { assertNever } from "../lib/errors.ts";
import type { Prediction } from "../model/prediction.ts";
import type { TopicTest } from "../model/proof.ts";
import { resourceArn } from "./arn.ts";
import { type AskInput, allNeeded, asker, besideCertificate, sameDecision } from "./ask.ts";

export interface PredictTopicsInput extends AskInput {
  /** Of iot:Connect, without which nothing else counts; null: the device is known to be in. */
  readonly connect: Prediction | null;
}

/**
 * Do the returned policies permit each of these? iot:Publish on `topic/`, iot:Subscribe on `topicfilter/`; to receive
 * needs iot:Receive on `topic/` and, where no filter of the profile's covers the topic, iot:Subscribe on the topic as
 * a filter (DG iot-policy-actions, iot-action-resources). In the order of `tests`.
 */
export function predictTopics(input: PredictTopicsInput, tests: readonly TopicTest[]): readonly Prediction[] {
  const { connect } = input;
  return tests.map((test) => {
    const own = predictTopic(input, test);
    return connect === null ? own : allNeeded([own, connect]);
  });
}

function predictTopic(input: PredictTopicsInput, { action, topic, filter }: TopicTest): Prediction {
  const { wire, target } = input;
  const ask = asker(input);
  const context: Record<string, string> =
    wire.kind === "https" ? {} : { "iot:ClientId": wire.connect.clientId };
  const on = (name: string, kind: "topic" | "topicfilter", each: string): Prediction =>
    besideCertificate(input, ask(name, resourceArn(target, kind, each), context));
  const subscribe = (each: string): Prediction =>
    sameDecision(
      readingsOf(each).map((reading) => on("iot:Subscribe", "topicfilter", reading)),
      "whether the resource of a shared subscription holds $share/GROUP/",
    );
  switch (action) {
    case "publish":
      return on("iot:Publish", "topic", topic);
    case "subscribe":
      return subscribe(topic);
    case "receive": {
      const receive = on("iot:Receive", "topic", topic);
      return filter === undefined ? allNeeded([receive, subscribe(topic)]) : receive;
    }
    default:
      return assertNever(action, "action");
  }
}

/** A filter as the resource of iot:Subscribe. What that is for `$share/GROUP/FILTER` is on no page: both readings. */
function readingsOf(filter: string): readonly string[] {
  const shared = /^\$share\/[^/]*\/(.*)$/s.exec(filter);
  return shared === null ? [filter] : [filter, shared[1] ?? ""];
}
