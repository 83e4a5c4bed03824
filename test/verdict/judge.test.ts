import { describe, expect, it } from "vitest";
import type { Invocation } from "../../src/model/invocation.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import type { VerdictKind } from "../../src/model/result.ts";
import { judge } from "../../src/verdict/judge.ts";
import {
  ACCEPTED,
  answered,
  BROKEN,
  CLOSED,
  errored,
  GUARDED,
  predicted,
  REFUSED,
  unreachable,
} from "../support/fixtures.ts";

type Cell = readonly [
  expectation: "allow" | "deny",
  gateway: Outcome,
  authorizer: Invocation,
  prediction: "allow" | "deny" | "unknown",
  verdict: VerdictKind,
  codes?: readonly string[],
];

const ALLOWED = answered("allowed");
const DENIED = answered("denied");
const NONE: Invocation = { kind: "no-authorizer", evidence: "none" };
const BY_CERTIFICATE: Invocation = { kind: "skipped", why: "client-certificate" };
const SIGNATURE = errored("signature", "SIGNATURE_INVALID");
const RESPONSE = errored("response", "AUTHORIZER_RESPONSE_INVALID");
const CALLER = errored("caller", "CALLER_PERMISSION_MISSING");
const THROTTLED = errored("throttled", "API_THROTTLED");
const SERVICE = errored("service", "API_UNAVAILABLE");
const EVERY_ANSWER = [ALLOWED, DENIED, NONE, SIGNATURE, RESPONSE, CALLER, THROTTLED, SERVICE, BY_CERTIFICATE];

const UNASKED: Invocation = { kind: "skipped", why: "not-selected" };

/** The table of the design, cell by cell; rows that say "any" are spelt out. */
const TABLE: readonly Cell[] = [
  ["allow", ACCEPTED, ALLOWED, "allow", "pass"],
  ["allow", ACCEPTED, ALLOWED, "unknown", "pass"],
  ["allow", ACCEPTED, BY_CERTIFICATE, "unknown", "pass"],
  ["allow", ACCEPTED, UNASKED, "unknown", "pass"],
  ["allow", REFUSED, UNASKED, "unknown", "fail"],
  ["allow", GUARDED, UNASKED, "unknown", "inconclusive", ["DEVICE_IDENTITY_GUARDED"]],
  ["deny", ACCEPTED, UNASKED, "unknown", "fail", ["UNEXPECTED_ACCEPT"]],
  // Nobody knows who refused.
  ["deny", REFUSED, UNASKED, "unknown", "inconclusive", ["GATEWAY_REFUSED_UNEXPLAINED"]],
  ["allow", ACCEPTED, DENIED, "unknown", "fail", ["AUTHORIZER_GATEWAY_DISAGREE"]],
  ["allow", ACCEPTED, NONE, "unknown", "fail", ["AUTHORIZER_GATEWAY_DISAGREE"]],
  ["allow", ACCEPTED, SIGNATURE, "unknown", "fail", ["SIGNATURE_INVALID"]],
  ["allow", ACCEPTED, RESPONSE, "unknown", "fail", ["AUTHORIZER_RESPONSE_INVALID"]],
  ["allow", ACCEPTED, CALLER, "unknown", "inconclusive", ["CALLER_PERMISSION_MISSING"]],
  ["allow", ACCEPTED, THROTTLED, "unknown", "inconclusive", ["API_THROTTLED"]],
  ["allow", ACCEPTED, SERVICE, "unknown", "inconclusive", ["API_UNAVAILABLE"]],
  ...EVERY_ANSWER.map((answer): Cell => ["allow", REFUSED, answer, "allow", "fail"]),
  ...EVERY_ANSWER.map((answer): Cell => ["allow", CLOSED, answer, "allow", "fail"]),
  ...EVERY_ANSWER.map(
    (answer): Cell => ["allow", unreachable(), answer, "allow", "inconclusive", ["GATEWAY_TIMEOUT"]],
  ),
  ...(["SERVER_CERTIFICATE_EXPIRED", "SERVER_CERTIFICATE_UNTRUSTED", "SERVER_CERTIFICATE_NAME"] as const).map(
    (cause): Cell => ["allow", unreachable(cause), ALLOWED, "allow", "fail", [cause]],
  ),
  ...EVERY_ANSWER.map(
    (answer): Cell => ["allow", BROKEN, answer, "allow", "inconclusive", ["GATEWAY_PROTOCOL_VIOLATION"]],
  ),
  ["allow", GUARDED, ALLOWED, "allow", "skipped", ["DEVICE_IDENTITY_GUARDED"]],
  ["allow", GUARDED, ALLOWED, "deny", "fail"],
  ["allow", GUARDED, DENIED, "unknown", "fail"],
  ["allow", GUARDED, NONE, "unknown", "fail"],
  ["allow", GUARDED, ALLOWED, "unknown", "inconclusive", ["POLICY_UNDECIDABLE"]],
  ["allow", GUARDED, CALLER, "unknown", "inconclusive", ["CALLER_PERMISSION_MISSING"]],
  ["allow", GUARDED, BY_CERTIFICATE, "unknown", "inconclusive", ["DEVICE_IDENTITY_GUARDED"]],
  ...EVERY_ANSWER.map((answer): Cell => ["deny", ACCEPTED, answer, "deny", "fail", ["UNEXPECTED_ACCEPT"]]),
  ...[REFUSED, CLOSED].flatMap((gateway): Cell[] => [
    ["deny", gateway, DENIED, "unknown", "pass"],
    ["deny", gateway, NONE, "unknown", "pass"],
    ["deny", gateway, SIGNATURE, "unknown", "pass"],
    ["deny", gateway, BY_CERTIFICATE, "unknown", "pass"],
    ["deny", gateway, ALLOWED, "deny", "pass"],
    ["deny", gateway, ALLOWED, "allow", "inconclusive", ["AUTHORIZER_ALLOWED_EXPECTED_DENY"]],
    ["deny", gateway, ALLOWED, "unknown", "inconclusive", ["POLICY_UNDECIDABLE"]],
    ["deny", gateway, RESPONSE, "unknown", "inconclusive", ["AUTHORIZER_RESPONSE_INVALID"]],
    ["deny", gateway, CALLER, "unknown", "inconclusive", ["CALLER_PERMISSION_MISSING"]],
    ["deny", gateway, THROTTLED, "unknown", "inconclusive", ["API_THROTTLED"]],
    ["deny", gateway, SERVICE, "unknown", "inconclusive", ["API_UNAVAILABLE"]],
  ]),
  ...EVERY_ANSWER.map(
    (answer): Cell => ["deny", unreachable("TCP_REFUSED"), answer, "deny", "inconclusive", ["TCP_REFUSED"]],
  ),
  ...EVERY_ANSWER.map(
    (answer): Cell => [
      "deny",
      unreachable("TLS_FAILED", true),
      answer,
      "deny",
      "inconclusive",
      ["TLS_FAILED"],
    ],
  ),
  ...EVERY_ANSWER.map((answer): Cell => ["deny", BROKEN, answer, "deny", "inconclusive"]),
  ...EVERY_ANSWER.map((answer): Cell => ["deny", GUARDED, answer, "deny", "inconclusive"]),
];

function name(value: Outcome | Invocation): string {
  if (value.kind === "errored") return `errored ${value.why}`;
  if (value.kind === "refused") return `refused by ${value.how}`;
  if (value.kind === "unreachable") return `unreachable ${value.cause}`;
  return value.kind;
}

function titleOf([expectation, outcome, invocation, prediction, verdict]: Cell): string {
  return `expected ${expectation}, gateway ${name(outcome)}, authorizer ${name(invocation)}, predicted ${prediction}: ${verdict}`;
}

describe("the judging table", () => {
  it.each(TABLE.map((cell) => ({ title: titleOf(cell), cell })))("$title", ({ cell }) => {
    const [expectation, outcome, invocation, prediction, kind, codes] = cell;
    const judged = judge({
      check: { expectation, derived: null },
      invocation,
      prediction: predicted(prediction),
      outcome,
      topics: [],
      closeConfirmed: true,
    });
    expect(judged).toEqual({ kind, codes: codes ?? (kind === "inconclusive" ? [expect.any(String)] : []) });
  });

  it("covers every combination of expectation, gateway and authorizer", () => {
    const seen = new Set(TABLE.map(([e, gateway, answer]) => `${e} ${name(gateway)} ${name(answer)}`));
    const missing = (["allow", "deny"] as const).flatMap((expectation) =>
      [ACCEPTED, REFUSED, CLOSED, BROKEN].flatMap((gateway) =>
        EVERY_ANSWER.map((answer) => `${expectation} ${name(gateway)} ${name(answer)}`),
      ),
    );
    expect(missing.filter((cell) => !seen.has(cell))).toEqual([]);
  });

  it.each(["allow", "deny"] as const)("an unconfirmed close proves nothing, expected %s", (expectation) => {
    for (const invocation of EVERY_ANSWER) {
      const judged = judge({
        check: { expectation, derived: null },
        invocation,
        prediction: predicted("deny"),
        outcome: CLOSED,
        topics: [],
        closeConfirmed: false,
      });
      expect(judged).toEqual({ kind: "inconclusive", codes: ["GATEWAY_CLOSED_UNCONFIRMED"] });
    }
  });

  it("counts a TLS alert as a refusal only for the derived check without SNI", () => {
    const input = {
      invocation: DENIED,
      prediction: predicted("unknown"),
      outcome: unreachable("TLS_FAILED", true),
      topics: [],
      closeConfirmed: false,
    };
    expect(judge({ ...input, check: { expectation: "deny", derived: "no-sni" } }).kind).toBe("pass");
    expect(judge({ ...input, check: { expectation: "deny", derived: "wrong-password" } }).kind).toBe(
      "inconclusive",
    );
  });

  it.each([
    ["denied: pass", ACCEPTED, ["denied"], "pass", []],
    ["granted: fail", ACCEPTED, ["allowed"], "fail", ["UNEXPECTED_ACCEPT"]],
    ["unanswered: proves nothing", ACCEPTED, ["unanswered"], "inconclusive", ["GATEWAY_TIMEOUT"]],
    ["not tried: proves nothing", ACCEPTED, [], "inconclusive", ["GATEWAY_TIMEOUT"]],
    ["kept out: proves nothing", REFUSED, [], "inconclusive", ["GATEWAY_REFUSED_UNEXPLAINED"]],
    ["closed, unconfirmed: proves nothing", CLOSED, [], "inconclusive", ["GATEWAY_CLOSED_UNCONFIRMED"]],
    ["unreachable: proves nothing", unreachable("TCP_REFUSED"), [], "inconclusive", ["TCP_REFUSED"]],
  ] as const)("judges a foreign topic by its subscription, %s", (_, outcome, answers, kind, codes) => {
    const judged = judge({
      check: { expectation: "deny", derived: "foreign-topic" },
      invocation: answered("allowed"),
      prediction: predicted("allow"),
      outcome,
      topics: answers.map((gateway) => ({
        test: { action: "subscribe", topic: "smoke/decoy-1", expected: "deny" },
        predicted: predicted("deny"),
        gateway,
        evidence: "",
      })),
      closeConfirmed: false,
    });
    expect(judged).toEqual({ kind, codes });
  });
});
