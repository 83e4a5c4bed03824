import { MOST_CONNECTIONS_OF_CHECK } from "../lib/pacing.ts";
import type { Profile, Protocol } from "../model/profile.ts";

/**
 * Connections that a check makes for its topics, besides its own: over https one for each publish; else one for each
 * topic that is denied, because a gateway may hang up instead of answering. What is denied and should not be costs up
 * to two more, within the limit for a check.
 */
export function topicConnects({ identity, expect }: Profile, protocol: Protocol): number {
  if (identity === "device" || expect.access === "deny") return 0;
  const { publish, subscribe, receive } = expect;
  if (protocol === "https") return publish.allow.length + publish.deny.length;
  const denied = publish.deny.length + subscribe.deny.length + receive.deny.length;
  return Math.min(denied, MOST_CONNECTIONS_OF_CHECK - 1);
}
