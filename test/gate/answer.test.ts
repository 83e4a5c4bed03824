import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gateAnswer } from "../../src/gate/answer.ts";
import { changedSince, contradiction } from "../../src/gate/fingerprint.ts";
import type { Fingerprint, TargetFingerprint } from "../../src/model/fingerprint.ts";
import type { GateAnswerInput } from "../../src/model/gate-answer.ts";
import { RUN_STATUSES, type RunSummary } from "../../src/model/run.ts";
import { sampleSummary } from "../report/sample.ts";

const NOW = Date.UTC(2026, 10, 23, 12);
const MINUTE = 60_000;
const MISSING = { kind: "not-checked", reason: "AccessDenied" } as const;

function known(value: string) {
  return { kind: "known", value } as const;
}

function target(changes: Partial<TargetFingerprint> = {}): TargetFingerprint {
  return {
    target: "eu",
    realm: "aws",
    region: "eu-west-1",
    accountId: "123456789012",
    callerAccountId: known("123456789012"),
    endpoint: "a1-ats.iot.eu-west-1.amazonaws.com",
    endpointIsOurs: { kind: "known", value: true },
    authorizers: [{ name: "fleet-jwt", state: known("2026-11-01 k1") }],
    ...changes,
  };
}

function print(changes: Partial<Fingerprint> = {}): Fingerprint {
  return { configChecksum: "c", fleetChecksum: "f", firmware: ["4.2.0"], targets: [target()], ...changes };
}

const GO: RunSummary = {
  ...sampleSummary,
  decision: "go",
  status: "finished",
  reason: "every rule is met",
  decidedAt: at(NOW - 5 * MINUTE),
  fingerprint: print(),
};

function at(ms: number): string {
  return new Date(ms).toISOString();
}

function input(changes: Partial<GateAnswerInput> = {}): GateAnswerInput {
  return {
    suite: "pre-rollout",
    running: null,
    last: GO,
    maxAgeMs: 15 * MINUTE,
    nowMs: NOW,
    current: print(),
    override: null,
    ...changes,
  };
}

function last(changes: Partial<RunSummary>): RunSummary {
  return { ...GO, ...changes };
}

describe("the gate's answer", () => {
  it("is a go for a finished run that is young enough and unchanged", () => {
    expect(gateAnswer(input())).toMatchObject({
      decision: "go",
      ok: true,
      realm: "aws",
      runId: GO.runId,
      decidedAt: "2026-11-23T11:55:00.000Z",
      expiresAt: "2026-11-23T12:10:00.000Z",
      causes: ["POLICY_CONNECT_DENIED", "SIGNATURE_INVALID", "GATEWAY_TIMEOUT"],
    });
  });

  it.each([
    ["the suite was never run", { last: null }, "never run"],
    ["the decision is too old", { nowMs: NOW + 11 * MINUTE }, "the decision (go) expired at"],
    ["the clock was set back", { nowMs: NOW - 6 * MINUTE }, "set back"],
    ["the run was interrupted", { last: last({ status: "interrupted" }) }, "interrupted"],
    ["the run was cancelled", { last: last({ status: "cancelled" }) }, "cancelled"],
    ["the run crashed and is queued", { last: last({ status: "queued" }) }, "queued"],
    ["nobody knows what was tested", { last: last({ fingerprint: null }) }, "not known"],
    ["nobody can look at it now", { current: null }, "cannot be looked at"],
    [
      "the profiles changed",
      { current: print({ fleetChecksum: "g" }) },
      "the profiles changed since the decision (go)",
    ],
    ["the run came to no decision", { last: last({ decision: null }) }, "no decision"],
  ] as const)("is inconclusive when %s", (_name, changes, reason) => {
    const answer = gateAnswer(input(changes));
    expect(answer).toMatchObject({ decision: "inconclusive", ok: false });
    expect(answer.reason).toContain(reason);
  });

  it("is running while a run is under way, whatever the last one said", () => {
    const running = { ...GO, decision: null, status: "running" } as const;
    expect(gateAnswer(input({ running }))).toMatchObject({
      decision: "running",
      ok: false,
      reason: "498 of 500 checks",
      expiresAt: null,
    });
  });

  it("passes an inconclusive answer on an override, and neither a no-go nor a run under way", () => {
    const override = { actor: "ci", reason: "known outage" };
    const of = (decision: "no-go" | "inconclusive" | "go") =>
      gateAnswer(input({ override, last: last({ decision }) }));
    expect(of("inconclusive")).toMatchObject({ decision: "inconclusive", ok: true, override });
    expect(of("no-go")).toMatchObject({ decision: "no-go", ok: false, override: null });
    expect(of("go")).toMatchObject({ ok: true, override: null });
    expect(gateAnswer(input({ override, running: GO })).ok).toBe(false);
    const unsure = input({ override, last: last({ decision: "no-go" }), current: null });
    expect(gateAnswer(unsure)).toMatchObject({ decision: "inconclusive", ok: false, override: null });
  });

  it("names the weakest realm among the targets", () => {
    const targets = [target(), target({ target: "lab", realm: "emulator" })];
    const both = print({ targets });
    expect(gateAnswer(input({ last: last({ fingerprint: both }), current: both })).realm).toBe("emulator");
  });

  it("is ok for nothing but a go of a finished run, whatever the circumstances", () => {
    const summaries = fc.record({
      status: fc.constantFrom(...RUN_STATUSES),
      decision: fc.constantFrom("go", "no-go", "inconclusive", null),
    });
    fc.assert(
      fc.property(
        summaries,
        fc.integer({ min: -60, max: 60 }),
        fc.boolean(),
        fc.boolean(),
        (changes, minutes, same, busy) => {
          const answer = gateAnswer(
            input({
              last: last({ ...changes, decidedAt: at(NOW - minutes * MINUTE) }),
              current: same ? print() : print({ firmware: ["5"] }),
              running: busy ? GO : null,
            }),
          );
          const holds =
            changes.status === "finished" &&
            changes.decision === "go" &&
            minutes >= 0 &&
            minutes <= 15 &&
            same &&
            !busy;
          expect(answer.ok).toBe(holds);
        },
      ),
    );
  });
});

describe("a fingerprint", () => {
  const differing: readonly (readonly [string, Partial<Fingerprint>, string])[] = [
    ["configuration", { configChecksum: "d" }, "the configuration changed"],
    ["firmware", { firmware: ["4.3.0"] }, "the firmware label changed"],
    ["a target that is gone", { targets: [] }, "target eu is gone"],
    ["realm", { targets: [target({ realm: "emulator" })] }, "its realm was aws and is emulator"],
    ["region", { targets: [target({ region: "eu-west-3" })] }, "its account or Region changed"],
    ["endpoint", { targets: [target({ endpoint: "x" })] }, "its endpoint was"],
    [
      "credentials",
      { targets: [target({ callerAccountId: known("9") })] },
      "the account of the AWS credentials changed",
    ],
    [
      "an authorizer",
      { targets: [target({ authorizers: [{ name: "fleet-jwt", state: known("later") }] })] },
      "authorizer fleet-jwt changed",
    ],
    ["an authorizer nobody looked at", { targets: [target({ authorizers: [] })] }, "was not looked at"],
    [
      "a permission that is gone",
      { targets: [target({ authorizers: [{ name: "fleet-jwt", state: MISSING }] })] },
      "cannot be looked at any more: AccessDenied",
    ],
  ];
  it.each(differing)("tells of a change: %s", (_name, changes, words) => {
    expect(changedSince(print(), print(changes))).toContain(words);
  });

  it("is the same where nothing changed, where more is known now, or where a target came", () => {
    expect(changedSince(print(), print())).toBeNull();
    const blind = target({ authorizers: [{ name: "fleet-jwt", state: MISSING }], callerAccountId: MISSING });
    expect(changedSince(print({ targets: [blind] }), print())).toBeNull();
    expect(changedSince(print(), print({ targets: [target(), target({ target: "us" })] }))).toBeNull();
  });

  it("contradicts itself where the credentials belong to another account than the target names", () => {
    expect(contradiction(print())).toBeNull();
    const other = target({ callerAccountId: known("999999999999") });
    expect(contradiction(print({ targets: [other] }))).toContain("belong to 999999999999");
    expect(contradiction(print({ targets: [{ ...other, realm: "emulator" }] }))).toBeNull();
    expect(contradiction(print({ targets: [target({ callerAccountId: MISSING })] }))).toBeNull();
  });
});
