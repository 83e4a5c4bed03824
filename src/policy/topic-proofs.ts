import type { Check } from "../model/check.ts";
import type { DeviceContext } from "../model/context.ts";
import type { Examined } from "../model/facts.ts";
import type { Outcome } from "../model/outcome.ts";
import type { Prediction } from "../model/prediction.ts";
import type { TopicAnswer, TopicProof, TopicTest } from "../model/proof.ts";
import { predictTopics } from "./predict-topics.ts";
import { presetTests } from "./presets.ts";

type Gathered = Pick<Examined["facts"], "check" | "target" | "invocation" | "prediction" | "outcome"> & {
  readonly context: DeviceContext;
};

/**
 * Puts side by side what is expected of topics, what the policy says of it and what the gateway did. What a preset
 * needs comes last, and is only ever predicted.
 */
export function topicProofs(
  gathered: Gathered,
  tests: readonly TopicTest[],
  answers: readonly TopicAnswer[],
): readonly TopicProof[] {
  const preset = presetOf(gathered.check);
  const predictions = predictAll(gathered, [...tests, ...preset]);
  const untried = whyUntried(gathered.outcome);
  const answered = new Map(answers.map((each) => [each.test, each]));
  return [
    ...tests.map((test, at): TopicProof => {
      const { answer: gateway, evidence } = answered.get(test) ?? { answer: "not-tried", evidence: untried };
      return { test, predicted: predictions[at] ?? gathered.prediction, gateway, evidence };
    }),
    ...preset.map((test, at): TopicProof => {
      const predicted = predictions[tests.length + at] ?? gathered.prediction;
      return { test, predicted, gateway: "not-tried", evidence: "a reserved topic is only predicted" };
    }),
  ];
}

/** Empty where no policy came: then the prediction of the connection says why. */
function predictAll(
  { target, context, invocation, prediction, outcome }: Gathered,
  tests: readonly TopicTest[],
): readonly Prediction[] {
  if (invocation.kind !== "allowed") return [];
  const { wire, secrets } = context;
  const connect = outcome.kind === "accepted" ? null : prediction;
  const input = { answer: invocation.answer, target, wire, sourceIp: target.sourceIp, secrets, connect };
  return predictTopics(input, tests);
}

/** A thing is called like its client id, unless the profile's label `thing` says otherwise. */
function presetOf({ profile, protocol, expectation }: Check): readonly TopicTest[] {
  const thing = profile.labels.thing ?? profile.clientId;
  if (expectation === "deny" || protocol === "https" || thing === null) return [];
  return presetTests(profile.expect.preset, thing);
}

function whyUntried(outcome: Outcome): string {
  if (outcome.kind === "skipped") return outcome.reason;
  return outcome.kind === "accepted" ? "a live device's session is left alone" : "the device was not let in";
}
