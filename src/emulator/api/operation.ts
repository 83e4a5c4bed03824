import type { Account } from "../authorizers/authenticate.ts";
import type { EmulatorConfig } from "../config.ts";
import type { Domain } from "../domains.ts";
import type { ErrorName } from "../http-error.ts";

/** What the API's operations work on. */
export interface ApiServices {
  readonly config: EmulatorConfig;
  readonly account: Account;
  readonly domains: readonly Domain[];
  readonly signal: AbortSignal;
}

export interface ApiInput {
  /** Decoded path parameter; "" where the path has none. */
  readonly name: string;
  readonly query: URLSearchParams;
  /** Parsed JSON body; an empty body counts as `{}`. */
  readonly body: unknown;
}

export type ApiAnswer =
  | { readonly kind: "ok"; readonly body: object }
  | { readonly kind: "error"; readonly name: ErrorName; readonly message: string };

export interface Operation {
  readonly name: string;
  readonly method: "GET" | "POST" | "PUT" | "DELETE" | "PATCH";
  /** The first group is the path parameter. */
  readonly path: RegExp;
  readonly run: (services: ApiServices, input: ApiInput) => ApiAnswer | Promise<ApiAnswer>;
}

export function ok(body: object): ApiAnswer {
  return { kind: "ok", body };
}

export function failure(name: ErrorName, message: string): ApiAnswer {
  return { kind: "error", name, message };
}

/** 1-based AWS page tokens are opaque: here, the index of the first item of the next page. */
export function page<T>(
  items: readonly T[],
  query: URLSearchParams,
  maxSize: number,
): { readonly items: readonly T[]; readonly nextMarker: string | null } | null {
  const size = Number(query.get("pageSize") ?? maxSize);
  const start = Number(query.get("marker") ?? 0);
  if (!Number.isInteger(size) || size < 1 || size > maxSize) return null;
  if (!Number.isInteger(start) || start < 0) return null;
  const end = start + size;
  return { items: items.slice(start, end), nextMarker: end < items.length ? String(end) : null };
}
