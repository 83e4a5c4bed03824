import { z } from "zod";
import { OPERATION_NAMES } from "./operation-names.ts";
import { compilePattern, isPattern } from "./pattern.ts";

/** The part of the configuration that says what goes wrong; the admin route takes it too. */

export const pattern = z.string().refine(isPattern, "expected text or a /regular expression/");
export const MAX_DELAY_MS = 600_000;
export const milliseconds = z.number().int().min(0).max(MAX_DELAY_MS);

/** The start of a kind's name says where it strikes. */
export const FAULT_KINDS = [
  ...["tls-alert", "tls-close", "tls-reset", "tls-silent", "tls-delay", "tls-certificate"],
  ...["open-close", "open-reset", "open-silent"],
  "http-status",
  ...["connack", "close", "reset", "silent", "delay", "garbage", "deny", "admit"],
  ...["session-close", "session-reset", "session-silent"],
  ...["api-throttle", "api-5xx", "api-delay", "api-close"],
] as const;

export const FAULT_PROTOCOLS = ["mqtt", "wss", "https"] as const;

/** One that fits none of the texts there are would never strike. */
function patternFor(texts: readonly string[]) {
  return pattern.refine(
    (source) => !isPattern(source) || texts.some(compilePattern(source)),
    `fits none of ${texts.join(", ")}`,
  );
}

const fault = z
  .strictObject({
    match: z
      .strictObject({
        clientId: pattern.optional(),
        username: pattern.optional(),
        serverName: pattern.optional(),
        authorizer: pattern.optional(),
        operation: patternFor(OPERATION_NAMES).optional(),
        protocol: patternFor(FAULT_PROTOCOLS).optional(),
      })
      .default({}),
    kind: z.enum(FAULT_KINDS),
    /** CONNACK code, TLS alert or HTTP status; each kind has its default. */
    code: z.number().int().min(0).max(599).optional(),
    probability: z.number().min(0).max(1).default(1),
    delayMs: milliseconds.default(1000),
    /** The delay is drawn between delayMs and this. */
    maxDelayMs: milliseconds.optional(),
    /** In their place: a log-normal distribution by its median and 99th percentile. */
    latency: z
      .strictObject({ p50Ms: milliseconds.min(1), p99Ms: milliseconds })
      .refine(({ p50Ms, p99Ms }) => p50Ms <= p99Ms, "expected p50Ms to be at most p99Ms")
      .optional(),
    /** What a `tls-certificate` fault shows. */
    certificate: z.enum(["expired", "self-signed", "wrong-name"]).optional(),
  })
  .refine(
    ({ kind, code }) => kind !== "connack" || (code !== undefined && code > 0 && code < 256),
    "a connack fault needs a `code` from 1 to 255",
  )
  .refine(
    ({ kind, code }) => kind !== "http-status" || (code !== undefined && code >= 400),
    "an http-status fault needs a `code` from 400 to 599",
  )
  .refine(
    ({ kind, certificate }) => (kind === "tls-certificate") === (certificate !== undefined),
    "a tls-certificate fault, and no other, needs a `certificate`",
  );

export const faultSettings = {
  faults: z.array(fault).max(1000).default([]),
  /** Makes the faults' dice, and so a test, repeatable. */
  faultSeed: z.number().int().min(0).default(1),
};
export const faultSettingsSchema = z.strictObject(faultSettings);

export type FaultConfig = z.output<typeof fault>;
export type FaultSettings = z.output<typeof faultSettingsSchema>;
