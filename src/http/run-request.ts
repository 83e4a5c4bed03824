import { z } from "zod";
import { parseDuration } from "../lib/duration.ts";
import { parseSampleSize, SAMPLE_FORM } from "../lib/sample-size.ts";
import { CAUSE_CODES, type CauseCode } from "../model/causes.ts";
import type { ResultsQuery } from "../model/history.ts";
import { PROTOCOLS } from "../model/profile.ts";
import { VERDICTS } from "../model/result.ts";
import type { SampleSize } from "../model/sample.ts";
import { idempotencyKey, oneKey } from "./idempotency.ts";
import { type Parsed, parse, strict } from "./parse.ts";
import { authorizer, gateway } from "./schemas/common.ts";

const name = z
  .string({ error: "expected text" })
  .min(1, { error: "expected a name" })
  .max(256, { error: "expected at most 256 characters" });

const names = z
  .array(name, { error: "expected a list of names" })
  .min(1, { error: "an empty list selects nothing; leave it out for all" });

const sample = z
  .union([z.string(), z.number()], { error: SAMPLE_FORM })
  .transform((text) => parseSampleSize(String(text)))
  .refine((size) => size !== null, { error: SAMPLE_FORM });

const WITHIN = "expected a duration such as 90s or 20m";
const within = z
  .string({ error: WITHIN })
  .transform(parseDuration)
  .refine((ms) => ms !== null && ms > 0, { error: WITHIN });

export const runBody = strict({
  suite: name.optional(),
  cohorts: names.optional(),
  devices: names.optional(),
  sample: sample.optional(),
  within: within.optional(),
  idempotencyKey: idempotencyKey.optional(),
});

const TWO_SIZES = "sample and within exclude each other";

const MAX_PAGE = 200;
const LIMIT = `expected a whole number from 1 to ${MAX_PAGE}`;
export const NO_CURSOR = "expected one nextCursor of an earlier answer";

const limit = z
  .string({ error: LIMIT })
  .regex(/^[1-9]\d{0,2}$/, { error: LIMIT })
  .transform(Number)
  .refine((each) => each <= MAX_PAGE, { error: LIMIT })
  .default(50);

const pageCursor = z.string({ error: NO_CURSOR }).min(1).max(256).nullable().default(null);

export const pageQuery = strict({ cursor: pageCursor, limit });

/** Points of a timeline, newest first. */
export const historyQuery = strict({ suite: name, cursor: pageCursor, limit });

const CODES = Object.values(CAUSE_CODES).flat() as [CauseCode, ...CauseCode[]];

const FLAG = "expected true or false";
const isTrue = z.enum(["true", "false"], { error: FLAG });

function oneOf<const T extends string>(words: readonly T[]) {
  return z
    .enum(words, { error: `expected one of ${words.join(", ")}` })
    .nullable()
    .default(null);
}

export const resultsQuery = strict({
  verdict: oneOf(VERDICTS),
  cause: z.enum(CODES, { error: "expected one cause code of docs/causes.md" }).nullable().default(null),
  authorizer: oneOf(authorizer.options),
  gateway: oneOf(gateway.options),
  cohort: name.nullable().default(null),
  protocol: oneOf(PROTOCOLS),
  device: name.nullable().default(null),
  /** Corrupted devices only, or devices as they are only. */
  derived: isTrue
    .nullable()
    .default(null)
    .transform((flag) => (flag === null ? null : flag === "true")),
  /** The last place in the plan of the page before. */
  cursor: z
    .string({ error: NO_CURSOR })
    .regex(/^\d{1,15}$/, { error: NO_CURSOR })
    .transform(Number)
    .nullable()
    .default(null),
  limit,
});

const FORMATS = ["json", "text", "metrics"] as const;

export const probeQuery = strict({
  device: z.string({ error: "expected the id of one device" }).min(1, { error: "expected an id" }).max(256, {
    error: "expected at most 256 characters",
  }),
  debug: isTrue.default("false").transform((flag) => flag === "true"),
  format: z
    .enum(FORMATS, { error: `expected one of ${FORMATS.join(", ")}` })
    .nullable()
    .default(null),
});

/** The body of POST /api/v1/runs; none is an empty one. */
export interface RunRequest {
  readonly suite: string | null;
  readonly cohorts: readonly string[] | null;
  readonly devices: readonly string[] | null;
  /** null: every device of the rest. */
  readonly sample: SampleSize | null;
  readonly idempotencyKey: string | null;
}

/**
 * @param header `Idempotency-Key`; must not differ from the body's `idempotencyKey`
 */
export function parseRunRequest(body: unknown, header: string | null): Parsed<RunRequest> {
  const parsed = parse(runBody, body ?? {});
  if (parsed.kind === "invalid") return parsed;
  const { suite = null, cohorts = null, devices = null, idempotencyKey: inBody = null } = parsed.value;
  const { sample: drawn = null, within: withinMs = null } = parsed.value;
  if (drawn !== null && withinMs !== null) return { kind: "invalid", detail: TWO_SIZES };
  const sampled = withinMs === null ? drawn : { kind: "within" as const, withinMs };
  const key = oneKey(header, inBody);
  if (key.kind === "invalid") return key;
  return { kind: "valid", value: { suite, cohorts, devices, sample: sampled, idempotencyKey: key.value } };
}

/** The query of a list. */
export function parsePage(
  query: unknown,
): Parsed<{ readonly cursor: string | null; readonly limit: number }> {
  return parse(pageQuery, query);
}

/** The query of a page of results. */
export function parseResultsQuery(query: unknown): Parsed<ResultsQuery> {
  const parsed = parse(resultsQuery, query);
  if (parsed.kind === "invalid") return parsed;
  const { cursor: afterSeq, ...rest } = parsed.value;
  return { kind: "valid", value: { ...rest, afterSeq } };
}

export function parseHistoryQuery(
  query: unknown,
): Parsed<{ readonly suite: string; readonly cursor: string | null; readonly limit: number }> {
  return parse(historyQuery, query);
}

/** The query of GET /probe. */
export interface ProbeRequest {
  readonly device: string;
  /** Every step. */
  readonly debug: boolean;
  /** null: as the client accepts. */
  readonly format: (typeof FORMATS)[number] | null;
}

export function parseProbeRequest(query: unknown): Parsed<ProbeRequest> {
  return parse(probeQuery, query);
}
