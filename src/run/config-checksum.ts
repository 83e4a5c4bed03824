import { createHash } from "node:crypto";
import type { Config, ProfileSource } from "../model/config.ts";

/** Of what of a configuration decides: targets, sources and suites; not how the daemon listens or whom it notifies. */
export function configChecksum({ targets, profiles, suites }: Config): string {
  return createHash("sha256")
    .update(JSON.stringify([targets, profiles, suites]))
    .digest("hex");
}

/** As `configChecksum`, the same for copies of a configuration in different folders and on different machines. */
export function sharedChecksum({ targets, profiles, suites }: Config): string {
  const moved = (source: ProfileSource) => ({ ...source, baseFolder: "" });
  return createHash("sha256")
    .update(JSON.stringify([targets, profiles.map(moved), suites]))
    .digest("hex");
}
