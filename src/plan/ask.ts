import type { Check } from "../model/check.ts";
import type { Outcome } from "../model/outcome.ts";
import type { TopicAnswer } from "../model/proof.ts";

/*
 * Where a suite does not ask the authorizer about every device, a device that got in as expected has shown what
 * matters by itself. Nothing else does: a refusal proves an expected deny only where it is known who refused.
 */

/** Is the authorizer asked whatever the gateway is going to do? */
export function isAskedFirst({
  asks,
  expectation,
  profile,
}: Pick<Check, "asks" | "expectation" | "profile">): boolean {
  if (asks === undefined || asks === "first" || expectation === "deny") return true;
  const { principalId, refreshAfterSeconds, disconnectAfterSeconds, preset } = profile.expect;
  // What only the authorizer's answer can show.
  return [principalId, refreshAfterSeconds, disconnectAfterSeconds, preset].some((each) => each !== null);
}

/** Of a check that was not asked first: does what the gateway did call for it? */
export function isAskedAfterwards(
  { asks }: Check,
  outcome: Outcome,
  answers: readonly Pick<TopicAnswer, "test" | "answer">[],
): boolean {
  // A gateway that was left alone says nothing: without the authorizer nothing would be learnt.
  if (outcome.kind === "skipped") return true;
  if (asks !== "on-disagreement") return false;
  return outcome.kind === "refused" || answers.some(({ test, answer }) => !isAsExpected(test, answer));
}

function isAsExpected({ expected }: TopicAnswer["test"], answer: TopicAnswer["answer"]): boolean {
  return answer === (expected === "allow" ? "allowed" : "denied");
}
