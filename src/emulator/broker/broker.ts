import type { Buffer } from "node:buffer";
import { Timers } from "../timers.ts";
import { covers, splitShared } from "./topics.ts";

/** Properties a message carries from publisher to subscriber (MQTT 5, 3.3.2.3). */
export interface MessageProperties {
  readonly payloadFormatIndicator?: boolean;
  readonly messageExpiryInterval?: number;
  readonly responseTopic?: string;
  readonly correlationData?: Buffer;
  readonly contentType?: string;
  readonly userProperties?: Readonly<Record<string, string | string[]>>;
}

export interface Message {
  readonly topic: string;
  readonly payload: Buffer;
  readonly qos: 0 | 1;
  readonly retain: boolean;
  readonly properties: MessageProperties;
}

export interface Subscription {
  /** As subscribed, `$share/…` included. */
  readonly filter: string;
  readonly qos: 0 | 1;
  readonly noLocal: boolean;
  readonly retainAsPublished: boolean;
}

/** A connected client, as the broker sees it. */
export interface Connection {
  /** Answers false where its policies do not allow iot:Receive, or it takes no more. */
  deliver(message: Message): boolean;
  /** Another connection has come with the same client id. */
  takenOver(): void;
}

/** What outlives a connection: subscriptions, and what came while the client was away. */
export interface Session {
  readonly clientId: string;
  readonly subscriptions: Map<string, Subscription>;
  readonly queue: Message[];
  connection: Connection | null;
  expirySeconds: number;
}

/** A persistent session holds at most this many messages for an absent client. */
const MAX_QUEUED = 1000;

/** Topics, sessions, retained messages. Knows nothing of sockets and policies. */
export class Broker {
  readonly #sessions = new Map<string, Session>();
  readonly #retained = new Map<string, Message>();
  readonly #timers = new Timers();
  readonly #expiries = new Map<string, () => void>();
  /** Whose turn it is in each shared subscription. */
  readonly #turns = new Map<string, number>();

  /** Opens or resumes a session; an older connection of the same client is taken over (MQTT-3.1.4-3). */
  connect(
    clientId: string,
    connection: Connection,
    { clean, expirySeconds }: { readonly clean: boolean; readonly expirySeconds: number },
  ): { readonly session: Session; readonly present: boolean } {
    this.#cancelExpiry(clientId);
    const before = this.#sessions.get(clientId);
    if (before?.connection) {
      const older = before.connection;
      before.connection = null;
      older.takenOver();
    }
    const kept = clean ? undefined : this.#sessions.get(clientId);
    const session: Session = kept ?? {
      clientId,
      subscriptions: new Map(),
      queue: [],
      connection: null,
      expirySeconds,
    };
    session.connection = connection;
    session.expirySeconds = expirySeconds;
    this.#sessions.set(clientId, session);
    return { session, present: kept !== undefined };
  }

  /** The connection is gone; the session stays for its expiry. */
  disconnect(session: Session, connection: Connection): void {
    if (session.connection !== connection) return;
    session.connection = null;
    if (session.expirySeconds === 0) {
      this.#sessions.delete(session.clientId);
      return;
    }
    const cancel = this.#timers.after(session.expirySeconds * 1000, () => {
      this.#expiries.delete(session.clientId);
      this.#sessions.delete(session.clientId);
    });
    this.#expiries.set(session.clientId, cancel);
  }

  /** Runs later, unless the broker stops before; a will with a delay. */
  later(seconds: number, task: () => void): () => void {
    return this.#timers.after(seconds * 1000, task);
  }

  publish(message: Message, from: string | null): void {
    if (message.retain) this.#retain(message);
    const groups = new Map<string, [Session, Subscription][]>();
    for (const session of this.#sessions.values()) {
      const direct: Subscription[] = [];
      for (const subscription of session.subscriptions.values()) {
        const { group, filter } = splitShared(subscription.filter);
        if (!covers(filter, message.topic)) continue;
        if (group === null) direct.push(subscription);
        else
          groups.set(subscription.filter, [
            ...(groups.get(subscription.filter) ?? []),
            [session, subscription],
          ]);
      }
      this.#deliverOnce(session, direct, message, from);
    }
    for (const [filter, members] of groups) this.#deliverToGroup(filter, members, message, from);
  }

  /** Retained messages that a new subscription gets. */
  retainedFor(filter: string): readonly Message[] {
    const { group, filter: plain } = splitShared(filter);
    if (group !== null) return [];
    return [...this.#retained.values()].filter(({ topic }) => covers(plain, topic));
  }

  /** The client is connected now. */
  isConnected(clientId: string): boolean {
    return this.#sessions.get(clientId)?.connection != null;
  }

  stop(): void {
    this.#timers.clear();
    this.#sessions.clear();
  }

  /** Overlapping subscriptions of one client get one copy, with the highest QoS granted. */
  #deliverOnce(
    session: Session,
    subscriptions: readonly Subscription[],
    message: Message,
    from: string | null,
  ): void {
    const wanted = subscriptions.filter(({ noLocal }) => !(noLocal && from === session.clientId));
    if (wanted.length === 0) return;
    const granted = wanted.some(({ qos }) => qos === 1) ? 1 : 0;
    const qos = message.qos === 1 && granted === 1 ? 1 : 0;
    const retain = message.retain && wanted.some(({ retainAsPublished }) => retainAsPublished);
    this.#hand(session, { ...message, qos, retain });
  }

  #deliverToGroup(
    filter: string,
    members: readonly (readonly [Session, Subscription])[],
    message: Message,
    from: string | null,
  ): void {
    const online = members.filter(([session]) => session.connection !== null);
    const candidates = online.length > 0 ? online : members;
    const turn = (this.#turns.get(filter) ?? -1) + 1;
    this.#turns.set(filter, turn);
    const chosen = candidates[turn % candidates.length];
    if (chosen) this.#deliverOnce(chosen[0], [chosen[1]], message, from);
  }

  #hand(session: Session, message: Message): void {
    if (session.connection !== null) session.connection.deliver(message);
    else if (message.qos === 1 && session.queue.length < MAX_QUEUED) session.queue.push(message);
  }

  #retain(message: Message): void {
    if (message.payload.length === 0) this.#retained.delete(message.topic);
    else this.#retained.set(message.topic, message);
  }

  #cancelExpiry(clientId: string): void {
    this.#expiries.get(clientId)?.();
    this.#expiries.delete(clientId);
  }
}
