/**
 * Does a subscription to this filter bring what is published to the topic [MQTT-4.7.1]? Not a shared one: it brings
 * each message to one of its members only.
 */
export function covers(filter: string, topic: string): boolean {
  if (filter.startsWith("$share/")) return false;
  // A wildcard at the front leaves topics of the server's own alone [MQTT-4.7.2-1].
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  const end = wanted.indexOf("#");
  // `a/#` covers `a` too [MQTT-4.7.1.2].
  if (end < 0 ? wanted.length !== levels.length : levels.length < end) return false;
  return wanted.slice(0, end < 0 ? undefined : end).every((each, at) => each === "+" || each === levels[at]);
}
