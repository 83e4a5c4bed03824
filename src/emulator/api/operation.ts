import type { z } from "zod";
import type { Log } from "../../lib/log.ts";
import type { Account } from "../authorizers/account.ts";
import type { Broker } from "../broker/broker.ts";
import type { Presence } from "../broker/presence.ts";
import type { EmulatorConfig } from "../config.ts";
import type { Domain } from "../domains.ts";
import type { ErrorName } from "../http-error.ts";
import type { Jobs } from "../jobs.ts";
import type { OperationName } from "../operation-names.ts";
import type { TokenBuckets } from "../quotas.ts";
import type { Plane } from "./sigv4.ts";

/** What the API's operations work on. */
export interface ApiServices {
  readonly config: EmulatorConfig;
  readonly account: Account;
  readonly domains: readonly Domain[];
  readonly broker: Broker;
  readonly presence: Presence;
  readonly jobs: Jobs;
  /** By operation and client id: how often one may be asked for, or ended. */
  readonly connectionQueries: TokenBuckets;
  readonly log: Log;
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
  readonly name: OperationName;
  /** The data plane is the devices' endpoint too; its errors have a trace id, and throttling is 429. */
  readonly plane: Plane;
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

/** The model's pattern and length. */
export function isAuthorizerName(name: string): boolean {
  return /^[\w=,@-]{1,128}$/.test(name);
}
export const NAME_RULE =
  "must satisfy regular expression pattern: [\\w=,@-]+ and have a length from 1 to 128";

/** A member that breaks the model. Names it, never its value. */
export function violation(member: string, message: string): ApiAnswer {
  return failure(
    "InvalidRequestException",
    `1 validation error detected: Value at '${member}' failed to satisfy constraint: Member ${message}`,
  );
}

export function firstViolation({ issues }: z.ZodError): ApiAnswer {
  const [issue] = issues;
  return violation(issue?.path.join(".") ?? "", issue?.message ?? "");
}

/** AWS's page tokens are opaque; here they are the index of the next page's first item. */
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
