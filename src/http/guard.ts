import type { FastifyRequest } from "fastify";
import type { Scope } from "../model/config.ts";
import { rememberActor } from "./actor.ts";
import { type AllowedHosts, isSameOrigin } from "./hosts.ts";
import type { Refusal } from "./refusal.ts";
import type { Tokens } from "./tokens.ts";

/**
 * Who may call a route. `open`: everybody, under any host name, for Kubernetes and Prometheus call by pod
 * address; `public`: everybody under an allowed name; else a token with the scope. No device id is behind the first
 * two.
 */
export type Access = "open" | "public" | Scope;

/**
 * Without any token in the configuration the daemon listens on loopback only, and whoever is on this machine may
 * read and trigger; `admin` always needs a token.
 */
const WITHOUT_TOKENS: ReadonlySet<Access> = new Set<Access>(["read", "trigger"]);

export type Guard = (request: FastifyRequest, access: Access) => Promise<Refusal | null>;

/** Answers why a request is not let through; null lets it through. */
export function createGuard(hosts: AllowedHosts, tokens: Tokens): Guard {
  return async (request, access) => {
    const misdirected = checkTarget(request) ?? (access === "open" ? null : checkHost(request, hosts));
    if (misdirected !== null || access === "open" || access === "public") return misdirected;
    return authorize(request, access, tokens);
  };
}

/** An absolute target would override `Host` (RFC 9112, 3.2.2); only proxies are sent one, and we are none. */
function checkTarget({ raw }: FastifyRequest): Refusal | null {
  if (raw.url?.startsWith("/") === true) return null;
  return { status: 400, detail: "the request target must be a path" };
}

function checkHost({ raw, headers }: FastifyRequest, hosts: AllowedHosts): Refusal | null {
  const [host = "", ...more] = raw.headersDistinct.host ?? [];
  if (more.length > 0) return { status: 400, detail: "more than one Host header" };
  if (!hosts.has(host)) {
    return { status: 421, detail: "this host name is not served; name it in http.allowedHosts" };
  }
  if (headers.origin !== undefined && !isSameOrigin(headers.origin, host)) {
    return { status: 403, detail: "pages of another origin may not call this address" };
  }
  return null;
}

async function authorize(request: FastifyRequest, scope: Scope, tokens: Tokens): Promise<Refusal | null> {
  if (!tokens.configured) return WITHOUT_TOKENS.has(scope) ? null : forbidden(scope);
  const { authorization } = request.headers;
  if (authorization === undefined) return unauthorized("a bearer token is needed", "");
  const [, bearer] = /^Bearer +([\x21-\x7e]+)$/i.exec(authorization) ?? [];
  const known = bearer === undefined ? null : await tokens.find(bearer);
  if (known === null) return unauthorized("the bearer token is not valid", ', error="invalid_token"');
  rememberActor(request, known.name);
  return known.scopes.has(scope) ? null : forbidden(scope);
}

/** Challenges as in RFC 6750, 3. */
function unauthorized(detail: string, error: string): Refusal {
  return { status: 401, detail, headers: { "www-authenticate": `Bearer realm="fleet-smoke"${error}` } };
}

function forbidden(scope: Scope): Refusal {
  const challenge = `Bearer realm="fleet-smoke", error="insufficient_scope", scope="${scope}"`;
  return {
    status: 403,
    detail: `a token with the scope ${scope} is needed`,
    headers: { "www-authenticate": challenge },
  };
}
