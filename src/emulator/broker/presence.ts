/** Why a client is gone, in the words of AWS's presence events (DG life-cycle-events). */
export type DisconnectReason =
  | "AUTH_ERROR"
  | "CLIENT_INITIATED_DISCONNECT"
  | "CLIENT_ERROR"
  | "CONNECTION_LOST"
  | "DUPLICATE_CLIENTID"
  | "API_INITIATED_DISCONNECT"
  | "MQTT_KEEP_ALIVE_TIMEOUT"
  | "SERVER_ERROR"
  | "SERVER_INITIATED_DISCONNECT"
  | "CUSTOMAUTH_TTL_EXPIRATION";

/** Both ends of a device's TCP connection. */
export interface Socket {
  readonly sourceIp: string;
  readonly sourcePort: number;
  readonly targetIp: string;
  readonly targetPort: number;
}

/** What a client connected with. */
export interface ConnectionFacts {
  readonly clientId: string;
  readonly cleanSession: boolean;
  /** As the client asked for it. */
  readonly keepAliveSeconds: number;
  readonly sessionExpirySeconds: number;
  readonly socket: Socket;
}

/** A client's last connection. Times are ms since the epoch. */
export interface ConnectionRecord extends ConnectionFacts {
  readonly connectedSinceMs: number;
  /** Null: it is connected. */
  readonly disconnected: { readonly sinceMs: number; readonly reason: DisconnectReason } | null;
}

/** AWS knows a connection for so long after its end (DG life-cycle-events). */
const KEPT_MS = 30 * 60 * 1000;
/** Beyond so many the oldest are forgotten before their time: an emulator must not grow under load. */
const MAX_GONE = 10_000;

/** Who is connected, and who was of late. */
export class Presence {
  readonly #connected = new Map<string, ConnectionRecord>();
  /** In the order of their ends. */
  readonly #gone = new Map<string, ConnectionRecord>();
  readonly #now: () => number;

  /** @param now ms since the epoch */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many clients are known. */
  get size(): number {
    return this.#connected.size + this.#gone.size;
  }

  /** Notes a connection; the answer notes its end, and does nothing once another connection has replaced it. */
  connected(facts: ConnectionFacts): (reason: DisconnectReason) => void {
    const { clientId } = facts;
    const record: ConnectionRecord = { ...facts, connectedSinceMs: this.#now(), disconnected: null };
    this.#connected.set(clientId, record);
    this.#gone.delete(clientId);
    return (reason) => {
      if (this.#connected.get(clientId) !== record) return;
      this.#connected.delete(clientId);
      this.#gone.set(clientId, { ...record, disconnected: { sinceMs: this.#now(), reason } });
      this.#forget();
    };
  }

  /** The client's connection, or its last one if that ended less than half an hour ago. */
  find(clientId: string): ConnectionRecord | null {
    const record = this.#connected.get(clientId) ?? this.#gone.get(clientId);
    return record === undefined || this.#isOld(record) ? null : record;
  }

  #isOld({ disconnected }: ConnectionRecord): boolean {
    return disconnected !== null && this.#now() - disconnected.sinceMs > KEPT_MS;
  }

  #forget(): void {
    for (const [clientId, record] of this.#gone) {
      if (this.#gone.size <= MAX_GONE && !this.#isOld(record)) return;
      this.#gone.delete(clientId);
    }
  }
}
