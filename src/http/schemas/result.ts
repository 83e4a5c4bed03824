import { z } from "zod";
import { DERIVED_KINDS } from "../../model/check.ts";
import { PHASES } from "../../model/outcome.ts";
import { PROTOCOLS } from "../../model/profile.ts";
import { TOPIC_ACTIONS } from "../../model/proof.ts";
import { TIMED_PARTS, VERDICTS } from "../../model/result.ts";
import { VARIATIONS } from "../../model/second-wave.ts";
import { authorizer, code, count, gateway, seconds } from "./common.ts";

const access = z.enum(["allow", "deny"]);
const how = z.enum(["code", "status", "closed"]);
const cause = z.object({ code, evidence: z.string(), nextStep: z.string() });

export const result = z
  .object({
    seq: count.describe("Place in the plan"),
    device: z.string(),
    cohort: z.string(),
    target: z.string(),
    protocol: z.enum(PROTOCOLS),
    mqttVersion: z
      .union([z.literal(4), z.literal(5)])
      .nullable()
      .describe("4 is MQTT 3.1.1; null for https"),
    location: z.string(),
    derived: z.enum(DERIVED_KINDS).nullable(),
    expectation: access,
    authorizer,
    authorizerName: z.string().nullable(),
    authorizerError: z.object({ why: z.string(), code: z.string(), message: z.string() }).nullable(),
    policyHash: z.string().nullable().describe("Of the returned policies; null: none came"),
    principalId: z.string().nullable(),
    refreshAfterSeconds: z.number().nullable(),
    disconnectAfterSeconds: z.number().nullable(),
    prediction: z.enum(["allow", "deny", "unknown"]).describe("What the returned policies permit"),
    gateway,
    gatewayHow: how.nullable(),
    gatewayCode: z.number().nullable().describe("CONNACK code or HTTP status"),
    gatewayReason: z.string().nullable(),
    verdict: z.enum(VERDICTS),
    causes: z.array(cause).describe("The first one is the one to act on"),
    topics: z.array(
      z.object({
        action: z.enum(TOPIC_ACTIONS),
        topic: z.string(),
        expected: access,
        predicted: z.enum(["allow", "deny", "unknown"]),
        gateway: z.enum(["allowed", "denied", "unanswered", "not-tried"]),
        evidence: z.string(),
      }),
    ),
    secondAttempts: z.array(
      z.object({
        variation: z.enum(VARIATIONS),
        gateway,
        gatewayHow: how.nullable(),
        gatewayCode: z.number().nullable(),
      }),
    ),
    guard: z
      .object({
        state: z.enum(["connected", "offline", "unknown"]),
        via: z.enum(["GetConnection", "GetThingConnectivityData"]).nullable(),
        evidence: z.string(),
        connected: z.boolean(),
        sessionPresent: z.boolean().nullable(),
      })
      .nullable(),
    tls: z.object({ version: z.string(), cipher: z.string(), address: z.string() }).nullable(),
    certificateExpiresAt: z.iso.datetime().nullable(),
    timings: z.object({
      invokeSeconds: seconds.nullable(),
      phases: z.partialRecord(z.enum(PHASES), seconds),
      discarded: z.array(z.enum(TIMED_PARTS)).optional(),
    }),
  })
  .meta({ id: "Result" });

/** Without `debug`; with it: docs/probe.schema.json. */
export const probeAnswer = z.object({
  device: z.string(),
  verdict: z.enum(VERDICTS),
  causes: z.array(cause.extend({ protocol: z.string() })).optional(),
});
