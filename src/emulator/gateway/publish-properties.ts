import { Buffer } from "node:buffer";
import type { IncomingHttpHeaders } from "node:http";
import { z } from "zod";
import type { MessageProperties } from "../broker/message.ts";

const text = z.string().min(1).optional();

/** Properties of MQTT 5 that a publish request carries (API_iotdata_Publish). */
const propertiesSchema = z.object({
  contentType: text,
  responseTopic: text,
  messageExpiryInterval: z
    .string()
    .regex(/^\d{1,10}$/)
    .transform(Number)
    .refine((seconds) => seconds < 2 ** 32)
    .optional(),
  correlationData: z
    .base64()
    .transform((encoded) => Buffer.from(encoded, "base64"))
    .optional(),
  payloadFormatIndicator: z
    .enum(["UNSPECIFIED_BYTES", "UTF8_DATA"])
    .transform((format) => format === "UTF8_DATA")
    .optional(),
  /** Base64 of a JSON list of objects with one member each; a name may come more than once. */
  userProperties: z.base64().transform(parseUserProperties).optional(),
});

/** Null: one of them is malformed. */
export function publishProperties(
  query: URLSearchParams,
  headers: IncomingHttpHeaders,
): MessageProperties | null {
  const parsed = propertiesSchema.safeParse({
    contentType: query.get("contentType") || undefined,
    responseTopic: query.get("responseTopic") || undefined,
    messageExpiryInterval: query.get("messageExpiry") ?? undefined,
    correlationData: headers["x-amz-mqtt5-correlation-data"],
    payloadFormatIndicator: headers["x-amz-mqtt5-payload-format-indicator"],
    userProperties: headers["x-amz-mqtt5-user-properties"],
  });
  if (!parsed.success) return null;
  return Object.fromEntries(Object.entries(parsed.data).filter(([, value]) => value !== undefined));
}

function parseUserProperties(encoded: string, context: z.core.$RefinementCtx): Record<string, string[]> {
  const list = z.array(z.record(z.string(), z.string())).safeParse(parseJson(encoded));
  if (!list.success) {
    context.addIssue({ code: "custom", message: "expected a list of objects" });
    return z.NEVER;
  }
  const byName = new Map<string, string[]>();
  for (const [name, value] of list.data.flatMap((each) => Object.entries(each))) {
    byName.set(name, [...(byName.get(name) ?? []), value]);
  }
  return Object.fromEntries(byName);
}

function parseJson(encoded: string): unknown {
  try {
    return JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
  } catch {
    return undefined;
  }
}
