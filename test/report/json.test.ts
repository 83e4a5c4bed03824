import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { PassThrough, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import { writeJsonReport } from "../../src/report/json.ts";
import { checkOf, errored, GUARDED, REFUSED } from "../support/fixtures.ts";
import { judged, resultOf } from "../support/results.ts";
import { reportJsonSchema, reportSchema } from "./report-schema.ts";
import { sampleSummary } from "./sample.ts";

const ROOT = join(import.meta.dirname, "../..");
const SCHEMA_FILE = join(ROOT, "docs/report.schema.json");

async function reportOf(results: Parameters<typeof writeJsonReport>[2], summary = sampleSummary) {
  const out = new PassThrough();
  const [written] = await Promise.all([text(out), writeJsonReport(out, summary, results)]);
  return written;
}

const RECORDS: readonly ResultRecord[] = [
  resultOf(),
  resultOf({ outcome: REFUSED, verdict: judged("fail", "POLICY_CONNECT_DENIED", "POLICY_CONDITION") }),
  resultOf({ check: checkOf({ seq: 2, protocol: "https", derived: "wrong-password" }) }),
  resultOf({
    invocation: errored("throttled", "API_THROTTLED"),
    outcome: GUARDED,
    verdict: judged("skipped"),
  }),
].map(toRecord);

describe("the JSON report", () => {
  it("holds summary and results, and its schema fits", async () => {
    const report = JSON.parse(await reportOf(RECORDS));
    expect(reportSchema.parse(report)).toEqual(report);
    expect(report.results).toEqual(RECORDS);
    expect(report).toMatchObject({
      runId: sampleSummary.runId,
      decision: "no-go",
      counts: sampleSummary.counts,
      rules: sampleSummary.gate?.rules,
      agreement: sampleSummary.agreement,
    });
    expect(report.groups[1]).toMatchObject({ cohort: "valves", decision: "no-go", fail: 10 });
  });

  it("of a run without results, gate or decision is one too", async () => {
    const bare = { ...sampleSummary, decision: null, gate: null, status: "cancelled" as const };
    const report = JSON.parse(await reportOf([], bare));
    expect(reportSchema.parse(report)).toMatchObject({ decision: null, rules: [], results: [] });
  });

  it("has one line for each result, in the order given", async () => {
    const lines = (await reportOf(RECORDS)).split("\n").filter((line) => line.startsWith("    {"));
    expect(lines.filter((line) => line.includes('"device"'))).toHaveLength(RECORDS.length);
  });

  it("takes any string", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), async (awkward) => {
        const results = [toRecord(resultOf({ check: checkOf({}, { id: awkward, cohort: awkward }) }))];
        const written = await reportOf(results, { ...sampleSummary, reason: awkward, notes: [awkward] });
        const report = JSON.parse(written);
        expect([report.reason, report.notes[0], report.results[0].device]).toEqual(Array(3).fill(awkward));
        expect(written).toBe(written.toWellFormed());
      }),
    );
  });

  it("is written at the speed it is taken: results are not gathered in memory", async () => {
    let made = 0;
    async function* many() {
      for (; made < 5000; made += 1) yield { ...(RECORDS[0] as ResultRecord), seq: made };
    }
    const held: (() => void)[] = [];
    const out = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        held.push(done);
        out.emit("taken");
      },
    });
    const written = writeJsonReport(out, sampleSummary, many());
    await once(out, "taken");
    expect(made).toBeLessThan(100);
    while (!out.writableFinished) {
      const next = Promise.race([once(out, "taken"), written]);
      held.shift()?.();
      await next;
    }
    await written;
    expect(made).toBe(5000);
  });

  it.each(["at once", "later"])("fails when its place fails %s", async (when) => {
    let writes = 0;
    const out = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => {
        writes += 1;
        done(when === "at once" || writes > 2 ? new Error("disk full") : null);
      },
    });
    await expect(writeJsonReport(out, sampleSummary, RECORDS)).rejects.toThrow("disk full");
  });

  it("fails when its place is closed, and stops reading results", async () => {
    let closed = false;
    async function* endless() {
      try {
        for (;;) yield RECORDS[0] as ResultRecord;
      } finally {
        closed = true;
      }
    }
    let writes = 0;
    const out: Writable = new Writable({
      write: (_chunk, _encoding, done) => {
        writes += 1;
        if (writes === 20) out.destroy();
        done();
      },
    });
    await expect(writeJsonReport(out, sampleSummary, endless())).rejects.toThrow(/premature close/i);
    expect(closed).toBe(true);
  });
});

describe("docs/report.schema.json", () => {
  it("describes the report", async () => {
    await expect(formatted(JSON.stringify(reportJsonSchema()))).toMatchFileSnapshot(SCHEMA_FILE);
  });

  it("takes a written report, also with fields of a later version, and no other", async () => {
    const published = z.fromJSONSchema(JSON.parse(await readFile(SCHEMA_FILE, "utf8")));
    const report = JSON.parse(await reportOf(RECORDS));
    expect(published.safeParse(report).error).toBeUndefined();
    expect(published.safeParse({ ...report, later: 1 }).success).toBe(true);
    expect(published.safeParse({ ...report, decision: "maybe" }).success).toBe(false);
    expect(published.safeParse({ ...report, results: [{ ...RECORDS[0], verdict: 1 }] }).success).toBe(false);
  });
});

/** As the project's formatter leaves it, so that the published file is both its and ours. */
function formatted(json: string): string {
  return execFileSync(
    join(ROOT, "node_modules/.bin/biome"),
    ["format", "--vcs-enabled=false", "--stdin-file-path=schema.json"],
    {
      cwd: ROOT,
      input: json,
      encoding: "utf8",
    },
  );
}
