import { z } from "zod";
import { startTimeMs } from "../jobs.ts";

/** Shapes, lengths and patterns of the model (API_CreateJob, API_CancelJob). Unknown members are ignored. */

const text = (max: number) => z.string().min(1).max(max);
/** `[^\p{C}]+`: no control characters, so no line breaks. */
const printable = (max: number) =>
  text(max).regex(/^\P{C}+$/u, "must satisfy regular expression pattern: [^\\p{C}]+");
const count = z.int().min(1);
const arn = text(1600).regex(/^arn:[!-~]+$/, "must satisfy regular expression pattern: ^arn:[!-~]+$");
const percentage = z.number().min(0).max(100);

const exponentialRate = z.object({
  baseRatePerMinute: z.int().min(1).max(1000),
  incrementFactor: z.number().min(1.1).max(5),
  rateIncreaseCriteria: z.object({
    numberOfNotifiedThings: count.optional(),
    numberOfSucceededThings: count.optional(),
  }),
});

/** Members that DescribeJob gives back as they came. */
const settings = {
  presignedUrlConfig: z.object({
    roleArn: z.string().min(20).max(2048).optional(),
    expiresInSec: z.int().min(60).max(3600).optional(),
  }),
  jobExecutionsRolloutConfig: z.object({
    maximumPerMinute: z.int().min(1).max(1000).optional(),
    exponentialRate: exponentialRate.optional(),
  }),
  abortConfig: z.object({
    criteriaList: z
      .array(
        z.object({
          failureType: z.enum(["FAILED", "REJECTED", "TIMED_OUT", "ALL"]),
          action: z.enum(["CANCEL"]),
          thresholdPercentage: percentage,
          minNumberOfExecutedThings: count,
        }),
      )
      .min(1),
  }),
  timeoutConfig: z.object({ inProgressTimeoutInMinutes: z.int().min(1).max(10_080).optional() }),
  namespaceId: z
    .string()
    .regex(/^[a-zA-Z0-9_-]+$/, "must satisfy regular expression pattern: [a-zA-Z0-9_-]+"),
  jobExecutionsRetryConfig: z.object({
    criteriaList: z
      .array(
        z.object({
          failureType: z.enum(["FAILED", "TIMED_OUT", "ALL"]),
          numberOfRetries: z.int().min(0).max(10),
        }),
      )
      .min(1)
      .max(2),
  }),
  documentParameters: z.record(
    text(128).regex(/^[a-zA-Z0-9_-]+$/, "must satisfy regular expression pattern: [a-zA-Z0-9_-]+"),
    printable(30_720),
  ),
  destinationPackageVersions: z.array(arn),
  schedulingConfig: z.object({
    startTime: text(64)
      .refine((time) => startTimeMs(time) !== null, "must be a date and time")
      .optional(),
    endTime: text(64).optional(),
    endBehavior: z.enum(["STOP_ROLLOUT", "CANCEL", "FORCE_CANCEL"]).optional(),
    maintenanceWindows: z
      .array(z.object({ startTime: text(256), durationInMinutes: z.int().min(1).max(1430) }))
      .optional(),
  }),
};

/** A target is a thing or a thing group. */
const target = z.string().regex(/^arn:aws[a-z-]*:iot:[a-z0-9-]+:\d{12}:thing(group)?\/.+$/, "must be an ARN");

export const settingsSchema = z.object(settings).partial();

export const createJobSchema = z.object({
  targets: z.array(target.max(2048)).min(1),
  documentSource: text(1350).optional(),
  document: z.string().max(32_768).optional(),
  jobTemplateArn: arn.optional(),
  description: printable(2028).optional(),
  targetSelection: z.enum(["CONTINUOUS", "SNAPSHOT"]).default("SNAPSHOT"),
  tags: z.array(z.object({ Key: text(128), Value: z.string().max(256).optional() })).optional(),
});

export const cancelJobSchema = z.object({
  reasonCode: z
    .string()
    .max(128)
    .regex(/^[\p{Lu}\p{Nd}_]+$/u, "must satisfy regular expression pattern: [\\p{Upper}\\p{Digit}_]+")
    .optional(),
  comment: printable(2028).optional(),
});
