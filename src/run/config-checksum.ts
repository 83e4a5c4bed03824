import { createHash } from "node:crypto";
import type { Config } from "../model/config.ts";

/** Of what of a configuration decides: targets, sources and suites; not how the daemon listens or whom it notifies. */
export function configChecksum({ targets, profiles, suites }: Config): string {
  return createHash("sha256")
    .update(JSON.stringify([targets, profiles, suites]))
    .digest("hex");
}
