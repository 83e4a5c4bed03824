import type { ISubscribePacket, ISubscription } from "mqtt-packet";
import type { Session, Subscription } from "../broker/broker.ts";
import { isFilter, splitShared } from "../broker/topics.ts";
import type { Access } from "./access.ts";
import { ProtocolError } from "./framing.ts";
import { CODE } from "./reason-codes.ts";

/** Quota page. */
const MAX_FILTERS = 8;
const MAX_SUBSCRIPTIONS = 50;
/** The one code of MQTT 3.1.1 for a subscription that failed (3.9.3). */
const FAILED_311 = 0x80;

export interface SubscribeAnswer {
  /** One code for each filter, in order. */
  readonly granted: readonly number[];
  /** Subscriptions whose retained messages are due. */
  readonly fresh: readonly Subscription[];
  /** A policy did not allow one of them. */
  readonly isDenied: boolean;
}

/**
 * Adds a SUBSCRIBE's filters to a session, each as far as policies and limits allow. null: there is no answer,
 * because a 3.1.1 client that asks for QoS 2 gets none (DG mqtt). Throws ProtocolError for too many filters, for
 * subscription identifiers, which the CONNACK said are not available (MQTT 5, 3.2.2.3.12), and for No Local in a
 * shared subscription (MQTT-3.8.3-4).
 */
export function subscribe(
  { subscriptions, properties }: ISubscribePacket,
  session: Session,
  access: Access,
  isFive: boolean,
): SubscribeAnswer | null {
  if (subscriptions.length > MAX_FILTERS) throw new ProtocolError("too many topic filters", CODE.quota);
  if (properties?.subscriptionIdentifier !== undefined) {
    throw new ProtocolError("subscription identifiers", CODE.identifiersUnsupported);
  }
  if (subscriptions.some(({ topic, nl }) => nl === true && splitShared(topic).group !== null)) {
    throw new ProtocolError("No Local in a shared subscription", CODE.protocolError);
  }
  if (!isFive && subscriptions.some(({ qos }) => qos === 2)) return null;
  const granted: number[] = [];
  const fresh: Subscription[] = [];
  for (const asked of subscriptions) {
    const code = codeFor(asked, session, access);
    granted.push(code);
    if (code < 0x80) fresh.push(...add(asked, session));
  }
  return {
    granted: isFive ? granted : granted.map((code) => (code < 0x80 ? code : FAILED_311)),
    fresh,
    isDenied: granted.includes(CODE.notAuthorized),
  };
}

function codeFor({ topic, qos }: ISubscription, { subscriptions }: Session, access: Access): number {
  if (!isFilter(topic)) return CODE.badFilter;
  if (!access.allows("Subscribe", `topicfilter/${topic}`)) return CODE.notAuthorized;
  if (subscriptions.size >= MAX_SUBSCRIPTIONS && !subscriptions.has(topic)) return CODE.quota;
  return Math.min(qos, 1);
}

/** The subscription, if its retained messages are due (MQTT 5, 3.8.3.1: retain handling). */
function add({ topic, qos, nl, rap, rh = 0 }: ISubscription, { subscriptions }: Session): Subscription[] {
  const isKnown = subscriptions.has(topic);
  const subscription: Subscription = {
    filter: topic,
    qos: qos === 0 ? 0 : 1,
    noLocal: nl ?? false,
    retainAsPublished: rap ?? false,
  };
  subscriptions.set(topic, subscription);
  return rh === 0 || (rh === 1 && !isKnown) ? [subscription] : [];
}
