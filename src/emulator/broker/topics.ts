import { Buffer } from "node:buffer";

/** Topics and filters hold 256 bytes and 7 slashes (quota page). */
const MAX_BYTES = 256;
const MAX_SLASHES = 7;

/** A topic a message may be published to: no wildcard, not empty, within AWS's limits. */
export function isTopic(topic: string): boolean {
  return isWithinLimits(topic) && !/[+#]/.test(topic);
}

/** A topic filter: `+` fills a level, `#` is the last level (MQTT 4.7.1). */
export function isFilter(filter: string): boolean {
  const { filter: plain } = splitShared(filter);
  if (!isWithinLimits(plain)) return false;
  const levels = plain.split("/");
  return levels.every((level, index) =>
    level.includes("#")
      ? level === "#" && index === levels.length - 1
      : level === "+" || !level.includes("+"),
  );
}

/** `$share/GROUP/FILTER` (MQTT 5, 4.8.2). */
export function splitShared(filter: string): { readonly group: string | null; readonly filter: string } {
  const match = /^\$share\/([^/+#]+)\/(.*)$/s.exec(filter);
  return match === null ? { group: null, filter } : { group: match[1] ?? "", filter: match[2] ?? "" };
}

/** Does the filter cover the topic? A leading wildcard covers no topic that starts with `$` (MQTT-4.7.2-1). */
export function covers(filter: string, topic: string): boolean {
  if (topic.startsWith("$") && /^[+#]/.test(filter)) return false;
  const wanted = filter.split("/");
  const levels = topic.split("/");
  for (const [index, level] of wanted.entries()) {
    // Also the level above: `a/#` covers `a` (MQTT 4.7.1.2).
    if (level === "#") return true;
    if (index >= levels.length || (level !== "+" && level !== levels[index])) return false;
  }
  return wanted.length === levels.length;
}

function isWithinLimits(text: string): boolean {
  if (text === "" || text.includes("\0") || Buffer.byteLength(text) > MAX_BYTES) return false;
  // Reserved topics are not counted: their own levels would use the allowance up.
  return text.startsWith("$aws/") || text.split("/").length - 1 <= MAX_SLASHES;
}
