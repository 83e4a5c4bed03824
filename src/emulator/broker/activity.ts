import type { Broker } from "./broker.ts";
import type { DisconnectReason, Presence } from "./presence.ts";

interface Counts {
  readonly connects: number;
  readonly willsPublished: number;
}

const NOTHING: Counts = { connects: 0, willsPublished: 0 };
/** Beyond so many client ids the one that was quiet longest is forgotten: an emulator must not grow under load. */
const MAX_CLIENTS = 10_000;

/** What client ids have done since the emulator started. */
export class Activity {
  readonly #byClient = new Map<string, Counts>();

  /** A CONNECT came, whatever became of it. */
  connect(clientId: string): void {
    const counts = this.of(clientId);
    this.#note(clientId, { ...counts, connects: counts.connects + 1 });
  }

  willPublished(clientId: string): void {
    const counts = this.of(clientId);
    this.#note(clientId, { ...counts, willsPublished: counts.willsPublished + 1 });
  }

  of(clientId: string): Counts {
    return this.#byClient.get(clientId) ?? NOTHING;
  }

  #note(clientId: string, counts: Counts): void {
    this.#byClient.delete(clientId);
    this.#byClient.set(clientId, counts);
    const [quietest] = this.#byClient.keys();
    if (this.#byClient.size > MAX_CLIENTS && quietest !== undefined) this.#byClient.delete(quietest);
  }
}

/** All that the emulator knows of a client id. Times are ms since the epoch. */
export interface ClientState {
  readonly clientId: string;
  readonly connected: boolean;
  /** When its last connection began; null: none that is remembered. */
  readonly connectedSince: number | null;
  readonly disconnectedSince: number | null;
  readonly disconnectReason: DisconnectReason | null;
  /** The broker keeps subscriptions and messages for it, or would tell it so in a CONNACK. */
  readonly sessionPresent: boolean;
  /** Topic filters. */
  readonly subscriptions: readonly string[];
  /** Messages that wait until it is back. */
  readonly queuedMessages: number;
  /** CONNECT packets, refused ones included. */
  readonly connects: number;
  readonly willsPublished: number;
}

export function clientState(
  clientId: string,
  { broker, presence, activity }: { broker: Broker; presence: Presence; activity: Activity },
): ClientState {
  const record = presence.find(clientId);
  const kept = broker.kept(clientId);
  return {
    clientId,
    connected: record !== null && record.disconnected === null,
    connectedSince: record?.connectedSinceMs ?? null,
    disconnectedSince: record?.disconnected?.sinceMs ?? null,
    disconnectReason: record?.disconnected?.reason ?? null,
    sessionPresent: kept !== null,
    subscriptions: kept?.filters ?? [],
    queuedMessages: kept?.queued ?? 0,
    ...activity.of(clientId),
  };
}
