import type { Preflight } from "../model/preflight.ts";

/** A preflight that asked nothing. */
export function unchecked(reason: string): Preflight {
  const nothing = { kind: "not-checked", reason } as const;
  return { authorizer: nothing, domain: nothing, accountEndpoint: nothing, clockSkewMs: nothing };
}
