import { Buffer } from "node:buffer";
import { STATUS_CODES } from "node:http";
import type { FastifyReply } from "fastify";

/** An answer that is not what the caller asked for. */
export interface Refusal {
  readonly status: number;
  /** For a person; never repeats what the caller sent. */
  readonly detail: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Further members of the problem document (RFC 9457, 3.2). */
  readonly members?: Readonly<Record<string, string | readonly string[]>>;
}

/** A daemon that stops is usually followed by a new one. */
export const STOPPING: Refusal = {
  status: 503,
  detail: "the daemon is stopping",
  headers: { "retry-after": "5" },
};

export const NO_SUITE: Refusal = { status: 404, detail: "no such suite" };
export const NO_RUN: Refusal = { status: 404, detail: "no such run" };

export const PROBLEM_TYPE = "application/problem+json";

/** The body of a refusal: a problem document whose type is the status itself (RFC 9457, 4.2.1). */
export function problemBody({ status, detail, members }: Refusal): string {
  return JSON.stringify({
    type: "about:blank",
    title: STATUS_CODES[status] ?? "Error",
    status,
    detail,
    ...members,
  });
}

export function refuse(reply: FastifyReply, refusal: Refusal): FastifyReply {
  return (
    reply
      .code(refusal.status)
      .headers(refusal.headers ?? {})
      .type(PROBLEM_TYPE)
      // As bytes: fastify would add a charset to the type of a text, and JSON has none (RFC 8259, 11).
      .send(Buffer.from(problemBody(refusal)))
  );
}

/** As one line of text, for callers that show the body as it is. */
export function refuseInWords(reply: FastifyReply, { status, detail, headers = {} }: Refusal): FastifyReply {
  return reply.code(status).headers(headers).type("text/plain; charset=utf-8").send(`${detail}\n`);
}
