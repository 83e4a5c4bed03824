import { PassThrough } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, it } from "vitest";
import type { RunSummary } from "../../src/model/run.ts";
import type { SampleBound } from "../../src/model/sample.ts";
import { writeHtmlReport } from "../../src/report/html.ts";
import { writeJsonReport } from "../../src/report/json.ts";
import { markdownReport } from "../../src/report/markdown.ts";
import { sampleLines } from "../../src/report/sample.ts";
import { summaryText } from "../../src/report/terminal.ts";
import { reportSchema } from "./report-schema.ts";
import { sampleSummary } from "./sample.ts";

function boundOf(changes: Partial<SampleBound>): SampleBound {
  return {
    ...{ target: "eu-prod", cohort: "pumps", devices: 59, ofDevices: 1200, decided: 59, failed: 0 },
    ...{ failureRate: 0.0575, confidence: 0.95, ...changes },
  };
}

const BOUNDS = [
  boundOf({}),
  boundOf({ cohort: "valves", decided: 0, failureRate: 1 }),
  boundOf({ cohort: "meters", devices: 3, ofDevices: 3, decided: 3, failed: 1, failureRate: 1 / 3 }),
];
const size = { kind: "percent", percent: 5 } as const;
const { gate } = sampleSummary;
const SAMPLED: RunSummary = {
  ...sampleSummary,
  selection: { ...sampleSummary.selection, sample: size },
  sample: { size, seed: "20261123T011729Z-4f1c9a", devices: 121, ofDevices: 2403 },
  gate: gate && { ...gate, bounds: BOUNDS, disagreement: [boundOf({ failed: 1, failureRate: 0.09 })] },
};

const LINES = [
  "121 of 2,403 devices were drawn (5 %, seed 20261123T011729Z-4f1c9a)",
  "valves on eu-prod: nothing was decided, so nothing is excluded",
  "meters on eu-prod: 1 of 3 checks failed; all 3 devices were drawn",
  "pumps on eu-prod: 0 of 59 checks failed; with 95 % confidence no more than 5.75 % of 1,200 devices do",
  "pumps on eu-prod: authorizer and gateway disagreed about 1 of 59 checks; with 95 % confidence they do about no more than 9 % of 1,200 devices",
];

describe("what was drawn, and what that excludes", () => {
  it("is told with what excludes least first", () => {
    expect(sampleLines(SAMPLED)).toEqual(LINES);
    expect(sampleLines(sampleSummary)).toEqual([]);
  });

  it("is in the terminal's text, in Markdown and on the page, and so is that the decision is of a sample", async () => {
    const meaning = () => "meaning";
    const page = new PassThrough();
    const written = text(page);
    await writeHtmlReport(page, SAMPLED, [], meaning);
    const terminal = summaryText(SAMPLED, { color: false, width: 100 }).replace(/\s+/g, " ");
    for (const line of LINES) {
      expect(terminal).toContain(` - ${line}`);
      expect(await written).toContain(`<li>${line}</li>`);
    }
    expect(terminal).toContain("only a sample (5 %)");
    expect(markdownReport(SAMPLED, { meaning })).toContain("### Sample\n\n- 121 of 2,403 devices were drawn");
  });

  it("is in the JSON report, which keeps to its schema", async () => {
    const out = new PassThrough();
    const written = text(out);
    await writeJsonReport(out, SAMPLED, []);
    const report = reportSchema.parse(JSON.parse(await written));
    expect(report.sample).toEqual({ ...SAMPLED.sample, bounds: BOUNDS });
    expect(report.disagreement).toEqual(SAMPLED.gate?.disagreement);
  });
});
