import { validateTopic } from "mqtt";
import type { TopicTest } from "../model/proof.ts";
import type { Ending } from "./ending.ts";

/**
 * What must never be touched, whoever asks: AWS's reserved topics, where a message is a request in the device's name,
 * and several topics at once. Profiles are checked before; this holds for everybody else too.
 */
export function topicProblem(tests: readonly TopicTest[]): Ending | null {
  const untouchable = tests.find((test) => !mayTouch(test));
  if (untouchable === undefined) return null;
  const reason = `a topic to ${untouchable.action} must not start with $, and wildcards are whole levels of filters`;
  return { kind: "unusable", cause: "PROFILE_INVALID", reason };
}

function mayTouch({ action, topic, filter = topic }: TopicTest): boolean {
  if (filter.replace(/^\$share\/[^/]*\//, "").startsWith("$")) return false;
  // MQTT.js would not send it.
  if (!validateTopic(filter)) return false;
  return action === "subscribe" || !/^\$|[+#\0]|^$/.test(topic);
}
