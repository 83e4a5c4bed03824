import type { z } from "zod";

export interface AnswerDoc {
  readonly description: string;
  /** Media type; null: no body. */
  readonly type: string | null;
  /** null: the body is text. */
  readonly schema: z.ZodType | null;
}

/** What /openapi.json says of an endpoint besides what its route tells: path, scope, refusals of every route. */
export interface OperationDoc {
  readonly summary: string;
  /** Of an object: each member is a parameter. */
  readonly query?: z.ZodType;
  /** Names of headers that are read. */
  readonly headers?: readonly string[];
  /** A body may be left out unless the schema has members that must be there. */
  readonly body?: z.ZodType;
  /** By status. */
  readonly answers: Readonly<Record<number, AnswerDoc>>;
}

export function jsonAnswer(description: string, schema: z.ZodType): AnswerDoc {
  return { description, type: "application/json", schema };
}

export function textAnswer(description: string, type = "text/plain; charset=utf-8"): AnswerDoc {
  return { description, type, schema: null };
}

/** A status that is answered with a problem document. */
export function problemAnswer(description: string): AnswerDoc {
  return { description, type: "application/problem+json", schema: null };
}
