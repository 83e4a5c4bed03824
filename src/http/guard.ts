import type { FastifyRequest } from "fastify";
import type { Scope } from "../model/config.ts";
import { rememberActor } from "./actor.ts";
import { type AllowedHosts, isSameOrigin } from "./hosts.ts";
import type { HttpLimits } from "./limits.ts";
import { clientOf, RateLimit } from "./rate.ts";
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

/** Answers why a request is not let through; null lets it through. */
export interface Guard {
  /** By its address alone, before there is a token to look at. */
  readonly address: (request: FastifyRequest, access: Access) => Refusal | null;
  /** By its token: `Authorization`, else the one found in its body. */
  readonly token: (request: FastifyRequest, scope: Scope, inBody?: string | null) => Promise<Refusal | null>;
}

/** Who is let in at the moment; a reload replaces it. */
export interface Door {
  readonly hosts: AllowedHosts;
  readonly tokens: Tokens;
}

export function createGuard(door: () => Door, limits: Pick<HttpLimits, "triggers" | "failedTokens">): Guard {
  const triggers = new RateLimit(limits.triggers);
  const failed = new RateLimit(limits.failedTokens);
  return {
    address: (request, access) =>
      checkTarget(request) ?? (access === "open" ? null : checkHost(request, door().hosts)),
    token: async (request, scope, inBody = null) => {
      const client = clientOf(request.raw.socket.remoteAddress);
      const admitted = await authorize(request, scope, inBody, door().tokens);
      if (admitted.kind === "refused") {
        // A token that is right is let in all the same: nobody can lock others out who come by the same proxy.
        const wait = admitted.refusal.status === 401 ? failed.take(client) : null;
        return wait === null ? admitted.refusal : tooMany("too many requests without a valid token", wait);
      }
      const wait = scope === "trigger" ? triggers.take(admitted.name ?? client) : null;
      return wait === null ? null : tooMany("too many requests", wait);
    },
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

/** `name`: the token's; null where none is needed. */
type Admission =
  | { readonly kind: "admitted"; readonly name: string | null }
  | { readonly kind: "refused"; readonly refusal: Refusal };

async function authorize(
  request: FastifyRequest,
  scope: Scope,
  inBody: string | null,
  tokens: Tokens,
): Promise<Admission> {
  if (!tokens.configured) {
    return WITHOUT_TOKENS.has(scope) ? { kind: "admitted", name: null } : refused(forbidden(scope));
  }
  const { authorization } = request.headers;
  if (authorization === undefined && inBody === null) return refused(unauthorized("a token is needed", ""));
  const token = authorization === undefined ? inBody : bearerOf(authorization);
  const known = token === null ? null : await tokens.find(token);
  if (known === null) return refused(unauthorized("the token is not valid", ', error="invalid_token"'));
  rememberActor(request, known.name);
  return known.scopes.has(scope) ? { kind: "admitted", name: known.name } : refused(forbidden(scope));
}

function bearerOf(authorization: string): string | null {
  return /^Bearer +([\x21-\x7e]+)$/i.exec(authorization)?.[1] ?? null;
}

function refused(refusal: Refusal): Admission {
  return { kind: "refused", refusal };
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

function tooMany(detail: string, waitSeconds: number): Refusal {
  return { status: 429, detail, headers: { "retry-after": String(waitSeconds) } };
}
