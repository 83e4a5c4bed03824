import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultRecord, VerdictKind } from "../../src/model/result.ts";
import type { CauseGroup, RunSummary } from "../../src/model/run.ts";
import { writeHtmlReport } from "../../src/report/html.ts";
import { writeJunitReport } from "../../src/report/junit.ts";
import { escapeMarkdown, markdownReport } from "../../src/report/markdown.ts";
import { checkOf, GUARDED, REFUSED } from "../support/fixtures.ts";
import { judged, resultOf } from "../support/results.ts";
import { group, sampleSummary } from "./sample.ts";

const HOSTILE =
  "]]>&<script>alert(1)</script>\"'--> |`[x](http://evil.example) @all ::error::\u0000\u001b[31m\u202e\ud800";
const meaning = () => "It means this.";

function record(verdict: VerdictKind, id = "pump-1", seq = 0): ResultRecord {
  const check = checkOf({ seq }, { id, cohort: id });
  switch (verdict) {
    case "pass":
      return toRecord(resultOf({ check }));
    case "skipped":
      return toRecord(
        resultOf({ check, outcome: GUARDED, verdict: judged("skipped", "DEVICE_IDENTITY_GUARDED") }),
      );
    default:
      return toRecord(
        resultOf({ check, outcome: REFUSED, verdict: judged(verdict, "ALPN_MISSING", "TLS_FAILED") }),
      );
  }
}

const ONE_OF_EACH = (["pass", "fail", "inconclusive", "skipped"] as const).map((verdict, seq) =>
  record(verdict, `pump-${seq}`, seq),
);

function hostile(summary: RunSummary): RunSummary {
  return {
    ...summary,
    suite: HOSTILE,
    reason: HOSTILE,
    notes: [HOSTILE],
    groups: [group(HOSTILE, { pass: 1, fail: 1 })],
    causes: summary.causes.map((each): CauseGroup => ({ ...each, evidence: HOSTILE, examples: [HOSTILE] })),
  };
}

async function junit(summary: RunSummary, results: readonly ResultRecord[]): Promise<string> {
  const out = new PassThrough();
  const [written] = await Promise.all([text(out), writeJunitReport(out, summary, () => results)]);
  return written;
}

async function page(summary: RunSummary, results: readonly ResultRecord[]): Promise<string> {
  const out = new PassThrough();
  const [written] = await Promise.all([text(out), writeHtmlReport(out, summary, results, meaning)]);
  return written;
}

function xmllint(document: string, ...options: string[]): string {
  const { status, stderr, error } = spawnSync("xmllint", ["--noout", ...options, "-"], {
    input: document,
    encoding: "utf8",
  });
  if (error) throw error;
  return status === 0 ? "" : stderr;
}

const SCHEMA = ["--schema", join(import.meta.dirname, "junit.xsd")];

describe("the JUnit report", () => {
  it("is what the schema asks for, with a test case for the decision and one for each check", async () => {
    const written = await junit(sampleSummary, ONE_OF_EACH);
    expect(xmllint(written, ...SCHEMA)).toBe("");
    expect(written).toContain('tests="5" failures="2" errors="1" skipped="1"');
    expect(written).toContain('<testcase classname="here.pump-1.mqtt" name="pump-1 over mqtt"');
    expect(written).toContain('<failure message="ALPN_MISSING: seen" type="ALPN_MISSING">');
    expect(written).toContain("next: do");
    expect(written.match(/<testcase/g)).toHaveLength(5);
  });

  it.each([
    ["go", '<testcase classname="gate" name="pre-rollout" time="52.400"/>'],
    ["no-go", '<failure message="no-go: because; 2 checks were not run" type="no-go"/>'],
    ["inconclusive", '<error message="inconclusive: because; 2 checks were not run" type="inconclusive"/>'],
    [null, '<error message="not finished: because; 2 checks were not run" type="not finished"/>'],
  ] as const)("shows %s as CI servers do", async (decision, expected) => {
    const written = await junit({ ...sampleSummary, decision, reason: "because" }, []);
    expect(written).toContain(expected);
    expect(xmllint(written, ...SCHEMA)).toBe("");
  });

  it("tells derived checks from the device's own", async () => {
    const derived = { ...record("fail"), derived: "wrong-password" as const };
    expect(await junit(sampleSummary, [derived])).toContain('name="pump-1 over mqtt, wrong-password"');
  });

  it("stays valid whatever names and evidence hold", async () => {
    const verdicts = fc.constantFrom<VerdictKind>("pass", "fail", "inconclusive", "skipped");
    const names = fc.oneof(fc.string({ unit: "binary" }), fc.constant(HOSTILE));
    const results = fc.array(fc.tuple(verdicts, names));
    await fc.assert(
      fc.asyncProperty(results, names, async (all, name) => {
        const records = all.map(([verdict, id], seq) => record(verdict, id, seq));
        const written = await junit({ ...hostile(sampleSummary), suite: name, reason: name }, records);
        expect(xmllint(written, ...SCHEMA)).toBe("");
      }),
      { numRuns: 40 },
    );
  });
});

describe("the Markdown report", () => {
  it("says what was decided and why, for people", async () => {
    const written = markdownReport(sampleSummary, { meaning });
    await expect(written).toMatchFileSnapshot("report.md");
  });

  it("stays under 1 MiB however large the fleet is and whatever went wrong", () => {
    const many = 100_000;
    const [cause] = sampleSummary.causes;
    if (cause === undefined) throw new Error("no cause");
    const long = "ü".repeat(500);
    const summary: RunSummary = {
      ...sampleSummary,
      groups: Array.from({ length: many }, (_, at) => group(`${at}${long}`, { fail: 1 })),
      causes: Array.from({ length: 200 }, () => ({
        ...cause,
        evidence: HOSTILE.repeat(50),
        examples: Array(5).fill(HOSTILE.repeat(9)),
      })),
      notes: Array(many).fill(HOSTILE.repeat(9)),
    };
    const written = markdownReport(summary, { meaning });
    expect(Buffer.byteLength(written)).toBeLessThan(1 << 20);
    expect(written).toContain("and 99,900 more");
  });

  it("lets no text from outside format, link, mention or command", () => {
    const written = markdownReport(hostile(sampleSummary), { meaning });
    for (const raw of ["<script", "[x](", "@all", "::error", "http://", "\u001b", "\u202e"]) {
      expect(written).not.toContain(raw);
    }
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (given) => {
        expect(escapeMarkdown(given)).not.toMatch(/[<>|`*_[\]()!~\\@:\n\r]/);
      }),
    );
  });
});

describe("the HTML report", () => {
  it("is one well-formed page with charts, that loads nothing and runs nothing", async () => {
    const written = await page(sampleSummary, ONE_OF_EACH);
    expect(xmllint(written)).toBe("");
    expect(written).not.toMatch(/<script|src=|href=|url\(|@import/i);
    expect(written).toContain("default-src 'none'");
    expect(written.match(/<svg /g)).toHaveLength(2);
    expect(written).toContain('aria-label="Verdicts by cohort. pumps: 200 pass, 0 fail, 0 inconclusive.');
  });

  it("lists the checks that did not pass, and no other", async () => {
    const written = await page(sampleSummary, ONE_OF_EACH);
    expect(written).not.toContain("<td>pump-0</td>");
    for (const id of ["pump-1", "pump-2", "pump-3"]) expect(written).toContain(`<td>${id}</td>`);
  });

  it("counts what it does not list", async () => {
    const many = Array.from({ length: 1234 }, (_, seq) => record("fail", `pump-${seq}`, seq));
    const written = await page(sampleSummary, many);
    expect(written).toContain("and 234 more: see the JSON report");
    expect(written).not.toContain("<td>pump-1100</td>");
  });

  it("stays well-formed and inert whatever names and evidence hold", async () => {
    const written = await page(hostile(sampleSummary), [record("fail", HOSTILE), record("skipped", HOSTILE)]);
    expect(xmllint(written)).toBe("");
    expect(written).not.toMatch(/<script/i);
  });

  it("of a run without any check is a page too", async () => {
    const empty = {
      ...sampleSummary,
      groups: [],
      gate: null,
      agreement: [],
      causes: [],
      latency: [],
      notes: [],
    };
    const written = await page({ ...empty, decision: null }, []);
    expect(xmllint(written)).toBe("");
    expect(xmllint(await junit({ ...empty, decision: null }, []), ...SCHEMA)).toBe("");
  });
});
