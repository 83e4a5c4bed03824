import { z } from "zod";
import { FAULTS } from "../../model/causes.ts";
import { RUN_STATUSES } from "../../model/run.ts";
import { code, count, decision, seconds } from "./common.ts";
import { gateAnswer } from "./gate.ts";
import { result } from "./result.ts";
import { latencyRow, rule } from "./run.ts";

/** What the dashboard's routes answer. */
export const suites = z.object({
  items: z.array(
    z.object({
      suite: z.string(),
      answer: gateAnswer,
      rules: z.array(rule).describe("Of the newest run of the whole suite that has ended"),
      running: z.string().nullable().describe("The run that is under way, whole or not"),
      lastGo: z
        .object({ runId: z.string(), decidedAt: z.iso.datetime().nullable() })
        .nullable()
        .describe("The newest run of the whole suite that was a go"),
    }),
  ),
});

const timed = seconds.nullable().describe("Seconds; null: nothing was timed, or it was not kept");

export const runPoint = z
  .object({
    runId: z.string(),
    status: z.enum(RUN_STATUSES),
    decision: decision.nullable(),
    isWhole: z.boolean().describe("false: of some cohorts or devices, or of a sample"),
    startedAt: z.iso.datetime(),
    decidedAt: z.iso.datetime().nullable(),
    durationSeconds: seconds,
    checks: count,
    pass: count,
    fail: count,
    inconclusive: count,
    skipped: count,
    connectP95: timed,
    authorizerP95: timed,
  })
  .meta({ id: "RunPoint" });

export const latencies = z.object({
  items: z.array(
    latencyRow.extend({
      buckets: z
        .array(z.object({ le: seconds, count }))
        .describe("Not cumulative, without gaps; empty: not kept"),
    }),
  ),
});

export const deviceResult = result
  .extend({ runId: z.string(), startedAt: z.iso.datetime().describe("Of the run") })
  .meta({ id: "DeviceResult" });

export const causes = z.object({
  items: z.array(
    z.object({
      code,
      fault: z.enum(FAULTS).describe("Whose it is"),
      severity: z
        .enum(["critical", "error", "notice"])
        .describe("critical: somebody gets in who must be kept out; notice: never makes a check fail"),
      meaning: z.string(),
      nextStep: z.string(),
      docs: z.string().describe("Place in the documentation"),
      reading: z.url().nullable().describe("AWS's page about it"),
    }),
  ),
});
