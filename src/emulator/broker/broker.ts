import { monotonicMs } from "../../lib/clock.ts";
import { Timers } from "../timers.ts";
import { type Message, received, unexpired } from "./message.ts";
import { covers, splitShared } from "./topics.ts";

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
  /** The API's caller ends it. */
  dismissed(how: { readonly withWill: boolean }): void;
}

/** What outlives a connection: subscriptions, and what came while the client was away. */
export interface Session {
  readonly clientId: string;
  readonly subscriptions: Map<string, Subscription>;
  queue: Message[];
  connection: Connection | null;
  expirySeconds: number;
}

interface DelayedWill {
  readonly cancel: () => void;
  readonly publish: () => void;
}

/** A persistent session holds at most this many messages for an absent client. */
const MAX_QUEUED = 1000;

/** Topics, sessions, retained messages. Knows nothing of sockets and policies. */
export class Broker {
  readonly #sessions = new Map<string, Session>();
  readonly #retained = new Map<string, Message>();
  readonly #timers = new Timers();
  readonly #expiries = new Map<string, () => void>();
  readonly #wills = new Map<string, DelayedWill>();
  /** Whose turn it is in each shared subscription. */
  readonly #turns = new Map<string, number>();
  readonly #now: () => number;

  /** @param now monotonic ms */
  constructor(now: () => number = monotonicMs) {
    this.#now = now;
  }

  /** Opens or resumes a session; an older connection of the same client is taken over (MQTT-3.1.4-3). */
  connect(
    clientId: string,
    connection: Connection,
    { clean, expirySeconds }: { readonly clean: boolean; readonly expirySeconds: number },
  ): { readonly session: Session; readonly present: boolean } {
    this.#cancelExpiry(clientId);
    const before = this.#sessions.get(clientId);
    // A session that was to end with its connection is not gone on with.
    const isEnding = before?.connection != null && before.expirySeconds === 0;
    if (before?.connection) {
      const older = before.connection;
      before.connection = null;
      older.takenOver();
    }
    const kept = clean || isEnding ? undefined : before;
    this.#resolveWill(clientId, kept !== undefined);
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

  /** What came while the client was away. */
  takeQueued(session: Session): readonly Message[] {
    const queued = session.queue;
    session.queue = [];
    return queued.flatMap((message) => this.due(message) ?? []);
  }

  /** The message as it is sent now; null: it has expired. */
  due(message: Message): Message | null {
    return unexpired(message, this.#now());
  }

  /**
   * A connection has ended without a goodbye: its will is published when the delay has passed or the session ends,
   * and not at all when the session is resumed before (MQTT 5, 3.1.2.5, 3.1.3.2.2).
   */
  leaveWill(session: Session, delaySeconds: number, publish: () => void): void {
    const { clientId, expirySeconds } = session;
    const isKept = this.#sessions.get(clientId) === session;
    const waitSeconds = isKept ? Math.min(delaySeconds, expirySeconds) : 0;
    if (waitSeconds === 0) {
      publish();
      return;
    }
    const cancel = this.#timers.after(waitSeconds * 1000, () => {
      this.#wills.delete(clientId);
      publish();
    });
    this.#wills.set(clientId, { cancel, publish });
  }

  /** Ends a client's connection from our side; false: it is not connected. */
  dismiss(
    clientId: string,
    { cleanSession, withWill }: { readonly cleanSession: boolean; readonly withWill: boolean },
  ): boolean {
    const session = this.#sessions.get(clientId);
    if (!session?.connection) return false;
    if (cleanSession) session.expirySeconds = 0;
    session.connection.dismissed({ withWill });
    return true;
  }

  /** What is kept for a client id; null: it has no session. */
  kept(clientId: string): { readonly filters: readonly string[]; readonly queued: number } | null {
    const session = this.#sessions.get(clientId);
    if (session === undefined) return null;
    const queued = session.queue.filter((message) => this.due(message) !== null).length;
    return { filters: [...session.subscriptions.keys()], queued };
  }

  publish(published: Message, from: string | null): void {
    const message = received(published, this.#now());
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
    return [...this.#retained.values()]
      .filter(({ topic }) => covers(plain, topic))
      .flatMap((message) => this.due(message) ?? []);
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

  /** A will that waits is taken back where the session goes on, and due at once where it ends. */
  #resolveWill(clientId: string, isResumed: boolean): void {
    const will = this.#wills.get(clientId);
    this.#wills.delete(clientId);
    will?.cancel();
    if (!isResumed) will?.publish();
  }

  #cancelExpiry(clientId: string): void {
    this.#expiries.get(clientId)?.();
    this.#expiries.delete(clientId);
  }
}
