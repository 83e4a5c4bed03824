import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { judgedCheck } from "../../src/lib/words.ts";
import { createMetrics, type Metrics } from "../../src/metrics/metrics.ts";
import type { Invocation } from "../../src/model/invocation.ts";
import type { Outcome } from "../../src/model/outcome.ts";
import { PROTOCOLS } from "../../src/model/profile.ts";
import type { Result } from "../../src/model/result.ts";
import {
  ACCEPTED,
  answered,
  BROKEN,
  checkOf,
  errored,
  GUARDED,
  REFUSED,
  unreachable,
} from "../support/fixtures.ts";
import { acceptedOver, judged, resultOf } from "../support/results.ts";
import { onlyValue, readPage, samplesOf, sumOf } from "./page-reader.ts";

function metrics(cohortLimit?: number): Metrics {
  return createMetrics({ version: "1.2.3", location: "lab", ...(cohortLimit ? { cohortLimit } : {}) });
}

async function pageAfter(...results: Result[]): Promise<string> {
  const made = metrics();
  for (const each of results) made.record(judgedCheck({ ...each, location: "lab" }));
  return (await made.ownPage()).body;
}

const failing = resultOf({
  outcome: REFUSED,
  verdict: judged("fail", "POLICY_CONNECT_DENIED", "POLICY_CONDITION"),
});

describe("a recorded check", () => {
  it("is counted by target, cohort, protocol, expectation, verdict and location", async () => {
    const body = await pageAfter(resultOf(), resultOf(), failing);
    const labels = {
      target: "here",
      cohort: "pumps",
      protocol: "mqtt",
      expectation: "allow",
      location: "lab",
    };
    expect(onlyValue(body, "checks_total", { ...labels, verdict: "pass" })).toBe(2);
    expect(onlyValue(body, "checks_total", { ...labels, verdict: "fail" })).toBe(1);
  });

  it("whose times our own event loop may have spoilt is in no histogram, and the times are counted", async () => {
    const outcome = acceptedOver({ delayMs: 60_000, certificateExpiresAtMs: Date.UTC(2030, 0) });
    const body = await pageAfter(
      resultOf({ invocation: { ...answered("allowed"), delayMs: 60_000 }, outcome }),
    );
    const where = { target: "here", location: "lab" };
    expect(onlyValue(body, "timings_discarded_total", where)).toBe(2);
    for (const name of ["authorizer", "gateway", "gateway_phase"]) {
      expect(samplesOf(body, `${name}_duration_seconds_count`)).toEqual([]);
    }
    expect(sumOf(body, "checks_total")).toBe(1);
    expect(sumOf(body, "server_certificate_expiry_timestamp_seconds")).toBe(Date.UTC(2030, 0) / 1000);
  });

  it("counts as a failure of its first cause only", async () => {
    const body = await pageAfter(failing);
    expect(onlyValue(body, "check_failures_total", { cause: "POLICY_CONNECT_DENIED" })).toBe(1);
    expect(sumOf(body, "check_failures_total")).toBe(1);
    expect(sumOf(body, "checks_inconclusive_total")).toBe(0);
  });

  it("that was corrupted on purpose is left out of every ratio, and its failure is told", async () => {
    const check = checkOf({ derived: "wrong-password", expectation: "deny" });
    const verdict = judged("fail", "UNEXPECTED_ACCEPT");
    const body = await pageAfter(resultOf(), resultOf({ check, outcome: ACCEPTED, verdict }));
    expect(sumOf(body, "checks_total")).toBe(1);
    expect(sumOf(body, "agreement_total")).toBe(1);
    expect(onlyValue(body, "derived_checks_total", { derived: "wrong-password", verdict: "fail" })).toBe(1);
    expect(onlyValue(body, "check_failures_total", { cause: "UNEXPECTED_ACCEPT" })).toBe(1);
  });

  it("that proved nothing is no failure", async () => {
    const body = await pageAfter(
      resultOf({ outcome: unreachable(), verdict: judged("inconclusive", "GATEWAY_TIMEOUT") }),
    );
    expect(onlyValue(body, "checks_inconclusive_total", { cause: "GATEWAY_TIMEOUT" })).toBe(1);
    expect(sumOf(body, "check_failures_total")).toBe(0);
  });

  it("counts a guard's skip whatever the verdict, and no other skip", async () => {
    const unavailable: Outcome = { kind: "skipped", cause: "CREDENTIAL_UNAVAILABLE", reason: "no file" };
    const body = await pageAfter(
      resultOf({ outcome: GUARDED, verdict: judged("skipped", "DEVICE_IDENTITY_GUARDED") }),
      resultOf({ outcome: GUARDED, verdict: judged("fail", "AUTHORIZER_DENIED_EXPECTED_ALLOW") }),
      resultOf({ outcome: unavailable, verdict: judged("inconclusive", "CREDENTIAL_UNAVAILABLE") }),
    );
    expect(onlyValue(body, "guard_skips_total", { cause: "DEVICE_IDENTITY_GUARDED" })).toBe(2);
    expect(sumOf(body, "guard_skips_total")).toBe(2);
  });

  it("enters the agreement matrix, denied where no authorizer would be asked", async () => {
    const body = await pageAfter(
      resultOf({ invocation: { kind: "no-authorizer", evidence: "none" }, outcome: REFUSED }),
    );
    const cell = { authorizer_answer: "denied", gateway_outcome: "refused", protocol: "mqtt" };
    expect(onlyValue(body, "agreement_total", cell)).toBe(1);
  });

  it("has its phases in seconds, and they sum to the duration", async () => {
    const body = await pageAfter(resultOf());
    const phases = samplesOf(body, "gateway_phase_duration_seconds_sum");
    expect(phases.map(({ labels }) => labels.phase)).toEqual(["dns", "tcp", "tls", "connack"]);
    expect(sumOf(body, "gateway_phase_duration_seconds_sum")).toBeCloseTo(0.01);
    expect(onlyValue(body, "gateway_duration_seconds_sum", { outcome: "accepted" })).toBeCloseTo(0.01);
    expect(onlyValue(body, "gateway_phase_duration_seconds_bucket", { phase: "tcp", le: "0.001" })).toBe(1);
    expect(onlyValue(body, "gateway_phase_duration_seconds_bucket", { phase: "tls", le: "0.0025" })).toBe(0);
  });

  it("without a connection has no gateway time", async () => {
    const body = await pageAfter(resultOf({ outcome: GUARDED }));
    expect(samplesOf(body, "gateway_duration_seconds_count")).toEqual([]);
  });

  it("times the authorizer only where AWS answered about the device", async () => {
    const invocations: readonly Invocation[] = [
      answered("allowed"),
      answered("denied"),
      errored("response"),
      errored("signature"),
      errored("throttled"),
      errored("caller"),
      errored("service"),
      { kind: "skipped", why: "not-selected" },
      { kind: "no-authorizer", evidence: "none" },
    ];
    const body = await pageAfter(...invocations.map((invocation) => resultOf({ invocation })));
    expect(onlyValue(body, "authorizer_duration_seconds_count", { authorizer: "fleet" })).toBe(4);
  });

  it("leaves the end of the gateway's certificate, the latest seen", async () => {
    const ends = (certificateExpiresAtMs: number | null) =>
      resultOf({ outcome: acceptedOver({ certificateExpiresAtMs }) });
    const body = await pageAfter(ends(1_000), ends(2_000_500), ends(null));
    expect(onlyValue(body, "server_certificate_expiry_timestamp_seconds")).toBe(2000.5);
  });

  it("never shows the device", async () => {
    const planted = checkOf({}, { id: "planted-id", clientId: "planted-client" });
    const body = await pageAfter(resultOf({ check: planted }), { ...failing, check: planted });
    expect(body).not.toContain("planted");
  });
});

describe("labels from outside", () => {
  it("share _overflow beyond the limit, and no check is lost", async () => {
    const made = metrics(3);
    for (const cohort of ["a", "b", "c", "d", "e", "a"]) {
      made.record(judgedCheck(resultOf({ check: checkOf({}, { cohort }) })));
    }
    const { body } = await made.ownPage();
    const byCohort = samplesOf(body, "checks_total").map(({ labels, value }) => [labels.cohort, value]);
    expect(byCohort).toEqual([
      ["a", 2],
      ["b", 1],
      ["c", 1],
      ["_overflow", 2],
    ]);
  });

  it("bound authorizers and error codes too", async () => {
    const made = metrics(2);
    for (const authorizer of ["a", "b", "c"]) {
      made.record(judgedCheck(resultOf({ invocation: { ...answered("allowed"), authorizer } })));
    }
    for (let at = 0; at < 60; at += 1) made.awsRequest({ target: "t", operation: "o", code: `code-${at}` });
    const { body } = await made.ownPage();
    expect(onlyValue(body, "authorizer_duration_seconds_count", { authorizer: "_overflow" })).toBe(1);
    expect(onlyValue(body, "aws_requests_total", { code: "_overflow" })).toBe(10);
  });

  it("may be hostile: promtool reads the page, and nothing is lost", async () => {
    const hostile = [
      '"} 1\nfake_total{a="',
      "\\",
      '\\"',
      "\\n",
      "line\nbreak\r\u0000",
      "\u202Eevil",
      "\ud800",
      "\udc00",
      "ポンプ ✔",
      "x".repeat(5000),
      "",
      "__proto__",
      '{le="1"}',
    ];
    const made = metrics();
    for (const name of hostile) {
      made.record(judgedCheck(resultOf({ check: checkOf({}, { cohort: name, target: name }) })));
      made.record(judgedCheck(resultOf({ invocation: { ...answered("denied"), authorizer: name } })));
      made.awsRequest({ target: name, operation: "TestInvokeAuthorizer", code: name });
      made.credentialFailure({ cohort: name });
      made.runStarted(name);
    }
    const { body } = await made.page();
    expect(promtool(body)).toEqual({ status: 0, findings: "" });
    expect(sumOf(body, "checks_total")).toBe(2 * hostile.length);
    expect(body).not.toMatch(/^fake_total/m);
  });
});

describe("the page", () => {
  it("is one that promtool finds nothing wrong with, empty or full", async () => {
    const made = metrics();
    const empty = await made.page();
    expect(empty.contentType).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(promtool(empty.body)).toEqual({ status: 0, findings: "" });
    for (const each of [
      resultOf(),
      failing,
      resultOf({ outcome: BROKEN, verdict: judged("inconclusive") }),
    ]) {
      made.record(judgedCheck({ ...each, location: "lab" }));
    }
    made.budgetUsed({ target: "here", operation: "TestInvokeAuthorizer" });
    made.awsRequest({ target: "here", operation: "TestInvokeAuthorizer", code: "ok" });
    const full = await made.page();
    expect(promtool(full.body)).toEqual({ status: 0, findings: "" });
  });

  it("is judged by a promtool that can object", () => {
    expect(promtool("# TYPE a_total gauge\na_total 1\n").status).not.toBe(0);
  });

  it("has Node's metrics under their usual names, once for any number of exporters", async () => {
    const [first, second] = [metrics(), metrics()];
    await first.page();
    const names = new Set(readPage((await second.page()).body).map(({ name }) => name));
    for (const name of [
      "process_resident_memory_bytes",
      "nodejs_eventloop_lag_seconds",
      "nodejs_version_info",
    ]) {
      expect(names).toContain(name);
    }
    expect([...names].filter((name) => /^nodejs_active_\w+_total$/.test(name))).toEqual([]);
    expect((await first.ownPage()).body).not.toMatch(/^(# \w+ )?(process|nodejs)_/m);
  });

  it("names the version and a configuration that was read", async () => {
    const made = metrics();
    expect(onlyValue((await made.ownPage()).body, "build_info", { version: "1.2.3" })).toBe(1);
    expect(onlyValue((await made.ownPage()).body, "config_last_reload_successful")).toBe(1);
    const readAt = onlyValue((await made.ownPage()).body, "config_last_reload_success_timestamp_seconds");
    made.configReloaded(false);
    const { body } = await made.ownPage();
    expect(onlyValue(body, "config_last_reload_successful")).toBe(0);
    expect(onlyValue(body, "config_last_reload_success_timestamp_seconds")).toBe(readAt);
  });
});

const verdicts: readonly Result["verdict"][] = [
  judged("pass"),
  judged("fail", "UNEXPECTED_ACCEPT"),
  judged("fail"),
  judged("inconclusive", "GATEWAY_TIMEOUT"),
  judged("skipped", "DEVICE_IDENTITY_GUARDED"),
];
const outcomes: readonly Outcome[] = [ACCEPTED, REFUSED, unreachable(), BROKEN, GUARDED];
const anyResult = fc
  .record({
    cohort: fc.string({ unit: "binary", maxLength: 6 }),
    target: fc.string({ unit: "binary", maxLength: 6 }),
    protocol: fc.constantFrom(...PROTOCOLS),
    verdict: fc.constantFrom(...verdicts),
    outcome: fc.constantFrom(...outcomes),
  })
  .map(({ cohort, target, protocol, verdict, outcome }) =>
    resultOf({ check: checkOf({ protocol }, { cohort, target }), verdict, outcome }),
  );

describe("any sequence of checks", () => {
  it("is counted to the unit on a page that can be read", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyResult, { maxLength: 40 }), async (results) => {
        const body = await pageAfter(...results);
        const of = (kind: string) => results.filter(({ verdict }) => verdict.kind === kind).length;
        expect(sumOf(body, "checks_total")).toBe(results.length);
        expect(sumOf(body, "agreement_total")).toBe(results.length);
        expect(sumOf(body, "check_failures_total")).toBe(of("fail"));
        expect(sumOf(body, "checks_inconclusive_total")).toBe(of("inconclusive"));
      }),
      { numRuns: 60 },
    );
  });
});

function promtool(page: string): { readonly status: number | null; readonly findings: string } {
  const { status, stdout, stderr, error } = spawnSync("promtool", ["check", "metrics"], {
    input: page,
    encoding: "utf8",
  });
  if (error) throw error;
  return { status, findings: stdout + stderr };
}
