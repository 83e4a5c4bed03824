import type { Expectation } from "../model/profile.ts";

/** Fields of an expectation that are accepted but not yet put to the proof: they must not count as met. */
export function unprovenFields({ publish, subscribe, receive, preset }: Expectation): readonly string[] {
  const topics = Object.entries({ publish, subscribe, receive })
    .filter(([, { allow, deny }]) => allow.length + deny.length > 0)
    .map(([action]) => `expect.${action}`);
  return preset === null ? topics : [...topics, "expect.preset"];
}
