import { TOPIC_ACTIONS, type TopicAction } from "../model/proof.ts";
import type { Finding } from "./finding.ts";

/** The part of a profile's `expect` that names topics. */
type RawExpectation = {
  readonly [A in TopicAction]?: { readonly allow?: readonly string[]; readonly deny?: readonly string[] };
};

/** DG/limits: a topic or filter holds at most 256 bytes and 7 slashes. */
const MAX_TOPIC_BYTES = 256;
const MAX_TOPIC_SLASHES = 7;

/** What topics may be filled in with; `clientId`: with the source's suffix, null where there is none. */
export interface Names {
  readonly id: string;
  readonly clientId: string | null;
}

/** A topic as it is used: `{id}` and `{clientId}` filled in. */
export function renderTopic(template: string, { id, clientId }: Names): string {
  return template.replace(/\{(id|clientId)\}/g, (_, name) => (name === "id" ? id : (clientId ?? "")));
}

/**
 * What a message may be published to: no wildcard, and nothing of the server's own. `$aws/` in particular would be
 * real requests in the device's name.
 */
export function isPublishTopic(topic: string): boolean {
  return isWithinLimits(topic) && !topic.startsWith("$") && !/[+#]/.test(topic);
}

export const PUBLISH_TOPIC_IS =
  "a topic to publish to: at most 256 bytes and 7 slashes, no + or #, not starting with $";

/** What may be subscribed to, also as `$share/GROUP/FILTER` [MQTT-4.7.1, MQTT-4.8.2]. */
function isTopicFilter(filter: string): boolean {
  const shared = /^\$share\/[^/+#]+\/(.*)$/s.exec(filter);
  const plain = shared === null ? filter : (shared[1] ?? "");
  const levels = plain.split("/");
  const isWellFormed = levels.every((level, at) =>
    level.includes("#") ? level === "#" && at === levels.length - 1 : level === "+" || !level.includes("+"),
  );
  return isWithinLimits(plain) && !plain.startsWith("$") && isWellFormed;
}

const TOPIC_FILTER_IS =
  "a topic filter: at most 256 bytes and 7 slashes, + and # as whole levels, no $ in front but $share/GROUP/";

function isWithinLimits(topic: string): boolean {
  return (
    topic !== "" &&
    !topic.includes("\0") &&
    topic.split("/").length - 1 <= MAX_TOPIC_SLASHES &&
    Buffer.byteLength(topic) <= MAX_TOPIC_BYTES
  );
}

/** Checks the topics of an expectation as they will be used. `names` null: they are not known, being wrong themselves. */
export function checkTopics(expect: RawExpectation, names: Names | null): readonly Finding[] {
  return TOPIC_ACTIONS.flatMap((action) => {
    const lists = expect[action];
    if (lists === undefined) return [];
    const allowed = new Set((lists.allow ?? []).map((each) => (names ? renderTopic(each, names) : each)));
    return (["allow", "deny"] as const).flatMap((access) =>
      (lists[access] ?? []).flatMap((template, at) => {
        const message = problemOf(template, action, names, access === "deny" ? allowed : null);
        return message === null ? [] : [{ path: ["expect", action, access, at], message }];
      }),
    );
  });
}

function problemOf(
  template: string,
  action: TopicAction,
  names: Names | null,
  allowed: ReadonlySet<string> | null,
): string | null {
  if (names === null) return null;
  if (names.clientId === null && template.includes("{clientId}")) {
    return "{clientId} cannot be filled in: the profile has no clientId";
  }
  const topic = renderTopic(template, names);
  const isRight = action === "subscribe" ? isTopicFilter(topic) : isPublishTopic(topic);
  if (!isRight) return `expected ${action === "subscribe" ? TOPIC_FILTER_IS : PUBLISH_TOPIC_IS}`;
  return allowed?.has(topic) ? "stands under allow too" : null;
}

export function namesTopics(lists: RawExpectation[TopicAction]): boolean {
  const { allow = [], deny = [] } = lists ?? {};
  return allow.length + deny.length > 0;
}
