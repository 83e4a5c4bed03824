import { stripVTControlCharacters } from "node:util";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RunSummary } from "../../src/model/run.ts";
import { summaryText } from "../../src/report/terminal.ts";
import { widthOf } from "../../src/report/text.ts";
import { EMPTY_TALLY, group, sampleSummary } from "./sample.ts";

const PLAIN = { color: false, width: 80 };

const GO: RunSummary = {
  ...sampleSummary,
  decision: "go",
  reason: "every rule is met",
  counts: {
    ...sampleSummary.counts,
    planned: 200,
    checks: 200,
    pass: 200,
    fail: 0,
    inconclusive: 0,
    skipped: 0,
    notRun: 0,
    derived: 0,
    invalidProfiles: 0,
  },
  groups: [group("pumps", { pass: 200 })],
  gate: {
    decision: "go",
    reason: "every rule is met",
    nothingSelected: false,
    groups: [{ target: "eu-prod", cohort: "pumps", decision: "go" }],
    rules: [],
  },
  agreement: [{ authorizer: "allowed", gateway: "accepted", checks: 200 }],
  causes: [],
  latency: [],
  preflight: [],
  notes: [],
};

it("says whose times are left out, so that fewer samples are no surprise", () => {
  expect(summaryText({ ...GO, timesDiscarded: 3 }, PLAIN)).toContain(
    "Latency\n  without times of 3 checks, which this process was too busy to take well\n",
  );
});

describe("the summary", () => {
  it("says everything about a run at 80 columns", () => {
    const meaning = () => "What the cause means.";
    expect(summaryText(sampleSummary, { ...PLAIN, meaning })).toMatchInlineSnapshot(`
      "✘ NO-GO  pre-rollout
        valves on eu-prod: minPassRatio is 0.9333, threshold 1, and 2 more

        498 of 500 planned checks in 52 s, also 6 derived checks, 1 invalid profile
        480 pass, 12 fail, 4 inconclusive, 2 skipped, 2 not run
        run 0f8f7a52-6a43-4f0e-9d2b-0a6b7f1e2c3d, started 2026-11-23T01:16:03.000Z

      Before the run
        ✘ eu-prod, clock: AWS's clock is 420 s ahead of this machine's
        ? eu-prod, DescribeDomainConfiguration: not checked: AccessDeniedException:
          not authorized to perform it

      Cohorts
        cohort  target   decision        pass  fail  unsure  skipped  not run
        valves  eu-prod  ✘ no-go          140    10       ·        ·        ·
        meters  eu-prod  ? inconclusive   140     2       4        2        2
        pumps   eu-prod  ✔ go             200     ·       ·        ·        ·

      Authorizer (rows) × gateway (columns)
                 accepted  refused  unreachable  skipped
        allowed       470        7            ·        ·
        denied          ·       15            ·        2
        errored         ·        ·            4        ·

      Failures
        ✘ POLICY_CONNECT_DENIED  7 checks
          means    What the cause means.
          evidence The policy's Resource is
                   "arn:aws:iot:eu-west-1:123456789012:client/valve-*-v2", and the
                   client id is "valve-0007".
          next     Let the policy's Resource match the client id the device sends.
          devices  valve-0007, valve-0031, valve-0044, valve-0102, valve-0118, …
        ✘ SIGNATURE_INVALID  5 checks
          means    What the cause means.
          evidence CONNACK code 135 (Not authorized)
          next     Sign the token with a private key whose public half the authorizer
                   lists, RSA SHA-256 PKCS#1 v1.5.
          devices  valve-0001, "a b\\u001b[31m, \\u{202e}evil", ポンプ-1, …

      Inconclusive
        ? GATEWAY_TIMEOUT  4 checks
          means    What the cause means.
          evidence no answer within 10 s of connecting to 127.0.0.1
          next     Look at the path between tester and gateway.
          devices  meter-0003, meter-0009, meter-0012, meter-0140

      Latency
        protocol  phase              samples      p50      p95      p99      max
        api       invoke                 498    21 ms    44 ms   130 ms    1.4 s
        mqtt      dns                    300  0.02 ms  0.10 ms  0.20 ms  0.70 ms
                  tcp                    300  0.40 ms  0.90 ms   1.7 ms   5.1 ms
                  tls                    300   6.1 ms    15 ms    20 ms    31 ms
                  connack                295   5.2 ms    12 ms    22 ms   10.0 s
                  total if accepted      290    14 ms    31 ms    50 ms    94 ms

      Since the last go (run 20261122T011603Z-4f1c9a)
        change           checks  for example
        newly failing        12  valve-0001, valve-0002, valve-0003, valve-0004, valv…
        missing devices       2  meter-0149, meter-0150
        another policy      150  valve-0001, …
        recovered             1  pump-0001
        p95: mqtt 34 ms (was 21 ms)

      Rules not met
        rule                  cohort  target   observed  threshold  so it is
        minPassRatio          (all)              0.9756        ≥ 1  no-go
        minPassRatio          valves  eu-prod    0.9333        ≥ 1  no-go
        maxInconclusiveRatio  (all)                0.01        ≤ 0  inconclusive
        minCoverage           meters  eu-prod   nothing        ≥ 1  inconclusive

      Notes
        - The profile source changed while the run went on: pumps.ndjson. Its checks
          after the change were not run.

      ✘ NO-GO  pre-rollout
        valves on eu-prod: minPassRatio is 0.9333, threshold 1, and 2 more"
    `);
  });

  it("is short where all is well", () => {
    expect(summaryText(GO, PLAIN)).toMatchInlineSnapshot(`
      "✔ GO  pre-rollout
        every rule is met

        200 checks in 52 s
        200 pass, 0 fail
        run 0f8f7a52-6a43-4f0e-9d2b-0a6b7f1e2c3d, started 2026-11-23T01:16:03.000Z

      Cohorts
        cohort  target   decision  pass  fail  unsure
        pumps   eu-prod  ✔ go       200     ·       ·

      Authorizer (rows) × gateway (columns)
                 accepted  refused
        allowed       200        ·
        denied          ·        ·

      Since the last go (run 20261122T011603Z-4f1c9a)
        change           checks  for example
        newly failing        12  valve-0001, valve-0002, valve-0003, valve-0004, valv…
        missing devices       2  meter-0149, meter-0150
        another policy      150  valve-0001, …
        recovered             1  pump-0001
        p95: mqtt 34 ms (was 21 ms)

      ✔ GO  pre-rollout
        every rule is met"
    `);
  });

  it("of a run without a decision says how it ended", () => {
    const text = summaryText(
      { ...GO, status: "cancelled", decision: null, reason: "", gate: null, groups: [], agreement: [] },
      PLAIN,
    );
    expect(text).toMatch(/^\? CANCELLED {2}pre-rollout\n/);
    expect(text).toMatch(/started 2026-11-23T01:16:03.000Z,\s+cancelled/);
  });

  it("has colour only when asked, and then says the same", () => {
    const colored = summaryText(sampleSummary, { ...PLAIN, color: true });
    const plain = summaryText(sampleSummary, PLAIN);
    expect(plain).not.toContain("\u001b");
    expect(colored).toContain("\u001b[31m");
    expect(stripVTControlCharacters(colored)).toBe(plain);
  });

  it("uses ASCII only when asked, aligned as before", () => {
    const ascii = summaryText({ ...sampleSummary, causes: [] }, { ...PLAIN, unicode: false });
    const unicode = summaryText({ ...sampleSummary, causes: [] }, PLAIN);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
    expect(ascii).toMatch(/^[\x00-\x7f]*$/);
    expect(ascii.split("\n").map(widthOf)).toEqual(unicode.split("\n").map(widthOf));
  });

  it("lists the worst of many cohorts and says that the rest is no worse", () => {
    const groups = Array.from({ length: 60 }, (_, at) => group(`cohort-${at}`, { pass: 1 }));
    const gate = {
      ...(sampleSummary.gate as NonNullable<RunSummary["gate"]>),
      groups: groups.map(({ target, cohort }) => ({
        target,
        cohort,
        decision: cohort === "cohort-59" ? ("no-go" as const) : ("go" as const),
      })),
    };
    const text = summaryText({ ...sampleSummary, groups, gate }, PLAIN);
    expect(text).toMatch(/decision\s+pass\s+fail\s+unsure\n {2}cohort-59 .* no-go/);
    expect(text).toContain("and 40 more, none worse");
    expect(text).not.toContain("cohort-58");
  });

  it("cuts long names instead of breaking the table", () => {
    const groups = [group("c".repeat(200), { pass: 1 })];
    for (const line of summaryText({ ...GO, groups }, PLAIN).split("\n")) {
      expect(widthOf(line)).toBeLessThanOrEqual(80);
    }
  });

  it("cuts long evidence", () => {
    const [first] = sampleSummary.causes;
    if (first === undefined) throw new Error("no cause");
    const text = summaryText({ ...GO, causes: [{ ...first, evidence: "word ".repeat(100) }] }, PLAIN);
    expect(text.match(/word/g)?.length).toBeLessThan(70);
    expect(text).toContain(" …\n");
  });
});

const anyText = fc.string({ unit: "binary", maxLength: 60 });
const anyCount = fc.nat(99_999);
const hostile = fc.record({
  suite: anyText,
  reason: anyText,
  runId: anyText,
  startedAt: anyText,
  cohort: anyText,
  target: anyText,
  device: anyText,
  evidence: fc.string({ unit: "binary", maxLength: 500 }),
  note: anyText,
  checks: anyCount,
});

describe("hostile names and texts", () => {
  it("can neither break a line, leave the page's width nor write a control character", () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 80, max: 200 }), (given, width) => {
        const text = summaryText(summaryOf(given), { color: false, width });
        expect(text).not.toMatch(/[\p{Cf}\p{Zl}\p{Zp}\p{Cs}]|(?!\n)\p{Cc}/u);
        for (const line of text.split("\n")) expect(widthOf(line)).toBeLessThanOrEqual(Math.min(120, width));
      }),
    );
  });
});

function summaryOf(given: typeof hostile extends fc.Arbitrary<infer T> ? T : never): RunSummary {
  const { suite, reason, runId, startedAt, cohort, target, device, evidence, note, checks } = given;
  const tally = {
    ...EMPTY_TALLY,
    pass: checks,
    fail: checks,
    inconclusive: checks,
    skipped: checks,
    notRun: checks,
  };
  return {
    ...sampleSummary,
    suite,
    reason,
    runId,
    startedAt,
    counts: { ...tally, planned: checks, checks, invalidProfiles: checks, derived: checks },
    groups: [{ ...EMPTY_TALLY, target, cohort, ...tally }],
    gate: {
      decision: "no-go",
      reason,
      nothingSelected: false,
      groups: [{ target, cohort, decision: "inconclusive" }],
      rules: [
        {
          rule: "maxInconclusiveRatio",
          target,
          cohort,
          threshold: 0.12345,
          observed: 0.98765,
          met: false,
          unmetMeans: "inconclusive",
        },
      ],
    },
    causes: [
      {
        cause: "AUTHORIZER_ALLOWED_EXPECTED_DENY",
        verdict: "fail",
        checks,
        examples: [device, cohort],
        evidence,
        nextStep: evidence,
      },
    ],
    notes: [note],
  };
}

describe("a run of a part of its suite", () => {
  const headOf = (selection: Partial<RunSummary["selection"]>) =>
    summaryText({ ...GO, selection: { ...GO.selection, ...selection } }, PLAIN).split("\n");

  it.each<[Partial<RunSummary["selection"]>, string]>([
    [{ cohorts: ["pumps"] }, "only cohort pumps"],
    [{ cohorts: ["pumps", "valves"] }, "only cohorts pumps, valves"],
    [{ devices: ["pump-1"] }, "only device pump-1"],
    [{ devices: ["1", "2", "3", "4"], cohorts: ["pumps"] }, "only 4 devices of cohort pumps"],
    [{ devices: ["\u001b[2Jx"] }, "only device \\u{1b}[2Jx"],
  ])("says so beside its decision, first and last: %j", (selection, said) => {
    const lines = headOf(selection);
    expect(lines[1]).toBe(`  ${said}`);
    expect(lines.at(-2)).toBe(`  ${said}`);
  });

  it("is not said of a whole one, whatever it may connect as", () => {
    expect(headOf({ allowDeviceIdentity: 3 })[1]).toBe("  every rule is met");
  });
});
