import type { FastifyRequest } from "fastify";
import { z } from "zod";
import type { Parsed } from "./parse.ts";

/** Printable ASCII, as it may also come in a header. */
export const idempotencyKey = z
  .string({ error: "expected text" })
  .regex(/^[\x20-\x7e]{1,255}$/, { error: "expected 1 to 255 printable ASCII characters" });

/** `Idempotency-Key` as sent; null where there is none. */
export function keyHeader({ headers }: FastifyRequest): string | null {
  const header = headers["idempotency-key"];
  return header === undefined ? null : String(header);
}

/** The key of a request that may give it in the header, in the body, or alike in both. */
export function oneKey(header: string | null, inBody: string | null): Parsed<string | null> {
  if (header !== null && !idempotencyKey.safeParse(header).success) {
    return { kind: "invalid", detail: "Idempotency-Key: expected 1 to 255 printable ASCII characters" };
  }
  if (header !== null && inBody !== null && header !== inBody) {
    return { kind: "invalid", detail: "Idempotency-Key and idempotencyKey differ" };
  }
  return { kind: "valid", value: header ?? inBody };
}
