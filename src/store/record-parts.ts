import type { ResultRecord } from "../model/result.ts";

/**
 * Fields in which the results of a run repeat each other: one row for each combination that occurs, instead of the
 * same text in every result. A field that is not listed is kept with its result.
 */
const COMMON = [
  "cohort",
  "target",
  "protocol",
  "mqttVersion",
  "location",
  "derived",
  "expectation",
  "authorizer",
  "authorizerName",
  "authorizerError",
  "refreshAfterSeconds",
  "disconnectAfterSeconds",
  "prediction",
  "gateway",
  "gatewayHow",
  "gatewayCode",
  "tls",
  "certificateExpiresAt",
] as const satisfies readonly (keyof ResultRecord)[];

/** Columns of their own. */
const COLUMNS = ["seq", "device", "verdict"] as const satisfies readonly (keyof ResultRecord)[];

/** A record in the two parts it is kept in, each as JSON. */
export interface RecordParts {
  readonly common: string;
  readonly own: string;
}

export function splitRecord(record: ResultRecord): RecordParts {
  const common: Record<string, unknown> = {};
  const own: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(record)) {
    if (isOneOf(COLUMNS, name)) continue;
    (isCommon(name, value) ? common : own)[name] = value;
  }
  return { common: JSON.stringify(common), own: JSON.stringify(own) };
}

export function joinRecord(
  columns: Pick<ResultRecord, (typeof COLUMNS)[number]>,
  { common, own }: RecordParts,
): ResultRecord {
  return { ...columns, ...JSON.parse(common), ...JSON.parse(own) };
}

/** An error's message may be another one each time, and combinations are kept for good: none is made of it. */
function isCommon(name: string, value: unknown): boolean {
  return isOneOf(COMMON, name) && (name !== "authorizerError" || value === null);
}

function isOneOf(names: readonly string[], name: string): boolean {
  return names.includes(name);
}
