import { expect, it } from "vitest";
import type { Check } from "../../src/model/check.ts";
import type { Facts } from "../../src/model/facts.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import { verdictOf } from "../../src/verdict/explain.ts";
import { answered, checkOf, NOTHING_MORE, predicted, TRANSPORT, targetOf } from "../support/fixtures.ts";

function judged(outcome: Outcome, changes: Partial<Facts> = {}, check: Partial<Check> = {}) {
  const { kind, causes } = verdictOf({
    check: checkOf(check),
    target: targetOf(),
    context: null,
    invocation: answered("allowed"),
    prediction: predicted("allow"),
    outcome,
    ...NOTHING_MORE,
    closeConfirmed: true,
    nowMs: 0,
    ...changes,
  });
  return [kind, causes[0]?.code];
}

it.each(["allow", "deny"] as const)("being taken over says nothing, where %s is expected", (expectation) => {
  const rest = { code: null, reason: "taken over", transport: TRANSPORT, tlsAlert: false };
  const takenOver: Outcome = { kind: "broken", cause: "SESSION_TAKEN_OVER", ...rest };
  expect(judged(takenOver, {}, { expectation })).toEqual(["inconclusive", "SESSION_TAKEN_OVER"]);
});

it.each(["CLIENT_ID_IN_USE", "DEVICE_IDENTITY_GUARDED"] as const)(
  "a live device that is left alone for %s is skipped, and fails only for what its authorizer says",
  (cause) => {
    const skipped: Outcome = { kind: "skipped", cause, reason: "it is there" };
    expect(judged(skipped)).toEqual(["skipped", cause]);
    expect(judged(skipped, { invocation: answered("denied") })[0]).toBe("fail");
    expect(judged(skipped, { prediction: predicted("deny") })[0]).toBe("fail");
  },
);
