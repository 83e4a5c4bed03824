import type { FastifyRequest } from "fastify";

/** Whom a request comes from, once its token is known. */
const actors = new WeakMap<FastifyRequest["raw"], string>();

/** For requests that need no token. */
export const ANONYMOUS = "anonymous";

export function rememberActor({ raw }: FastifyRequest, tokenName: string): void {
  actors.set(raw, tokenName);
}

/** The name of the request's token as the configuration has it; `anonymous` without one. */
export function actorOf({ raw }: FastifyRequest): string {
  return actors.get(raw) ?? ANONYMOUS;
}
