import { createHash } from "node:crypto";
import { z } from "zod";
import { idempotencyKey, oneKey } from "./idempotency.ts";
import { type Parsed, parse, strict } from "./parse.ts";

const MAX_REASON = 500;
const REASON = `expected 1 to ${MAX_REASON} characters without control characters`;

/** What a person gives as a reason: it stands in logs, reports and messages. */
export const reasonText = z
  .string({ error: REASON })
  .trim()
  .regex(new RegExp(`^\\P{C}{1,${MAX_REASON}}$`, "u"), { error: REASON });

export const gateBody = strict({
  idempotencyKey: idempotencyKey.optional(),
  /** What an inconclusive decision is taken for; `pass` needs a reason. */
  onInconclusive: z.enum(["fail", "pass"], { error: "expected fail or pass" }).optional(),
  reason: reasonText.optional(),
});

export interface GateBody {
  readonly idempotencyKey: string | null;
  /** Why an inconclusive decision may pass; null: it may not. */
  readonly passReason: string | null;
}

/** The body of POST /api/v1/gate/{suite}; none is an empty one. */
export function parseGateRequest(body: unknown, header: string | null): Parsed<GateBody> {
  const parsed = parse(gateBody, body ?? {});
  if (parsed.kind === "invalid") return parsed;
  const { onInconclusive = "fail", reason = null, idempotencyKey: inBody = null } = parsed.value;
  const key = oneKey(header, inBody);
  if (key.kind === "invalid") return key;
  const passes = onInconclusive === "pass";
  if (passes && reason === null) {
    return { kind: "invalid", detail: "reason: onInconclusive pass needs one" };
  }
  return { kind: "valid", value: { idempotencyKey: key.value, passReason: passes ? reason : null } };
}

const NAME = "expected text of 1 to 300 characters";
const word = z.string({ error: NAME }).min(1, { error: NAME }).max(300, { error: NAME });

/** What Flagger posts (pkg/controller/webhook.go); a newer one may say more. */
export const flaggerBody = z.looseObject(
  {
    name: word,
    namespace: word,
    /** Of the canary's spec and what it refers to. */
    checksum: z.string({ error: NAME }).max(300, { error: NAME }).optional(),
    phase: z.string().max(300).optional(),
    /** `token`: a token of scope trigger; `requireRealm: aws`: a go against anything else is none. */
    metadata: z.record(z.string(), z.string({ error: "expected text" })).nullish(),
  },
  { error: ({ code }) => (code === "invalid_type" ? "expected an object" : undefined) },
);

export interface FlaggerRequest {
  /** The same for every call about one state of one canary. */
  readonly key: string;
  readonly requireAws: boolean;
}

export function parseFlaggerRequest(body: unknown, suite: string): Parsed<FlaggerRequest> {
  const parsed = parse(flaggerBody, body);
  if (parsed.kind === "invalid") return parsed;
  const { name, namespace, checksum = "", metadata } = parsed.value;
  const required = metadata?.requireRealm ?? "any";
  if (required !== "aws" && required !== "any") {
    return { kind: "invalid", detail: "metadata.requireRealm: expected aws or any" };
  }
  // A hash: the parts may be longer than a key, and `a/b` must not be taken for `a` and `b`.
  const parts = JSON.stringify([suite, namespace, name, checksum]);
  const key = `flagger-${createHash("sha256").update(parts).digest("hex")}`;
  return { kind: "valid", value: { key, requireAws: required === "aws" } };
}

/** Flagger cannot send headers: its token is in the metadata. */
export function flaggerToken(body: unknown): string | null {
  const parsed = flaggerBody.safeParse(body);
  return parsed.success ? (parsed.data.metadata?.token ?? null) : null;
}
