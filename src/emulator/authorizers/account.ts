import type { Log } from "../../lib/log.ts";
import type { Behaviours } from "../behaviours.ts";
import type { AuthorizerRegistry } from "./registry.ts";

/** What asking an authorizer takes. */
export interface Account {
  readonly registry: AuthorizerRegistry;
  readonly behaviours: Behaviours;
  readonly log: Log;
}
