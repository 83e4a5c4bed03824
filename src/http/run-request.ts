import { z } from "zod";

/** Printable ASCII, as it may also come in a header. */
const idempotencyKey = z
  .string({ error: "expected text" })
  .regex(/^[\x20-\x7e]{1,255}$/, { error: "expected 1 to 255 printable ASCII characters" });

const name = z
  .string({ error: "expected text" })
  .min(1, { error: "expected a name" })
  .max(256, { error: "expected at most 256 characters" });

const names = z
  .array(name, { error: "expected a list of names" })
  .min(1, { error: "an empty list selects nothing; leave it out for all" });

const bodySchema = strict({
  suite: name.optional(),
  cohorts: names.optional(),
  devices: names.optional(),
  idempotencyKey: idempotencyKey.optional(),
});

const MAX_PAGE = 200;
const LIMIT = `expected a whole number from 1 to ${MAX_PAGE}`;

const pageSchema = strict({
  cursor: z
    .string({ error: "expected one nextCursor of an earlier answer" })
    .min(1)
    .max(256)
    .nullable()
    .default(null),
  limit: z
    .string({ error: LIMIT })
    .regex(/^[1-9]\d{0,2}$/, { error: LIMIT })
    .transform(Number)
    .refine((limit) => limit <= MAX_PAGE, { error: LIMIT })
    .default(50),
});

const FLAG = "expected true or false";
const FORMATS = ["json", "text", "metrics"] as const;

const probeSchema = strict({
  device: z.string({ error: "expected the id of one device" }).min(1, { error: "expected an id" }).max(256, {
    error: "expected at most 256 characters",
  }),
  debug: z
    .enum(["true", "false"], { error: FLAG })
    .default("false")
    .transform((flag) => flag === "true"),
  format: z
    .enum(FORMATS, { error: `expected one of ${FORMATS.join(", ")}` })
    .nullable()
    .default(null),
});

const nothing = z.strictObject({}, { error: () => "no parameter is known here" });

/** The body of POST /api/v1/runs; none is an empty one. */
export interface RunRequest {
  readonly suite: string | null;
  readonly cohorts: readonly string[] | null;
  readonly devices: readonly string[] | null;
  readonly idempotencyKey: string | null;
}

export type Parsed<T> =
  | { readonly kind: "valid"; readonly value: T }
  /** Each problem with its field; no value of the caller is repeated. */
  | { readonly kind: "invalid"; readonly detail: string };

/**
 * @param header `Idempotency-Key`; must not differ from the body's `idempotencyKey`
 */
export function parseRunRequest(body: unknown, header: string | null): Parsed<RunRequest> {
  const parsed = parse(bodySchema, body ?? {});
  if (parsed.kind === "invalid") return parsed;
  const { suite = null, cohorts = null, devices = null, idempotencyKey: inBody = null } = parsed.value;
  if (header !== null && !idempotencyKey.safeParse(header).success) {
    return { kind: "invalid", detail: "Idempotency-Key: expected 1 to 255 printable ASCII characters" };
  }
  if (header !== null && inBody !== null && header !== inBody) {
    return { kind: "invalid", detail: "Idempotency-Key and idempotencyKey differ" };
  }
  return { kind: "valid", value: { suite, cohorts, devices, idempotencyKey: header ?? inBody } };
}

/** The query of a list. */
export function parsePage(
  query: unknown,
): Parsed<{ readonly cursor: string | null; readonly limit: number }> {
  return parse(pageSchema, query);
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
  return parse(probeSchema, query);
}

/** For routes without parameters: a misspelt filter must not pass for an answered one. */
export function parseNoQuery(query: unknown): Parsed<object> {
  return parse(nothing, query);
}

function parse<T>(schema: z.ZodType<T>, input: unknown): Parsed<T> {
  const { success, data, error } = schema.safeParse(input);
  if (success) return { kind: "valid", value: data };
  const problems = error.issues.slice(0, 5).map(({ path, message }) => {
    return path.length === 0 ? message : `${path.join(".")}: ${message}`;
  });
  return { kind: "invalid", detail: problems.join("; ") };
}

/** An object whose unknown keys are errors that name the known ones. */
function strict<const Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.keys(shape).join(", ");
  return z.strictObject(shape, {
    error: ({ code }) =>
      code === "unrecognized_keys" ? `unknown key; expected only ${known}` : "expected an object",
  });
}
