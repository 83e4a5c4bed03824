import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Log } from "../../lib/log.ts";
import type { Account } from "../authorizers/account.ts";
import type { Refused } from "../authorizers/authenticate.ts";
import type { Activity } from "../broker/activity.ts";
import type { Broker } from "../broker/broker.ts";
import type { Presence, Socket } from "../broker/presence.ts";
import type { EmulatorConfig } from "../config.ts";
import type { Domain } from "../domains.ts";
import type { Faults } from "../faults.ts";
import type { TokenBuckets } from "../quotas.ts";
import type { ClientCertificates } from "./client-certificates.ts";
import type { WayIn } from "./way-in.ts";

/** What all connections of the gateway share. */
export interface Gateway {
  readonly config: EmulatorConfig;
  readonly account: Account;
  readonly domains: readonly Domain[];
  readonly broker: Broker;
  readonly presence: Presence;
  readonly activity: Activity;
  readonly faults: Faults;
  /** One CONNECT a second for a client id. */
  readonly connects: TokenBuckets;
  readonly clientCertificates: ClientCertificates;
  /** Answers a signed request for the data plane's API. Never rejects. */
  readonly serveDataPlane: (request: IncomingMessage, response: ServerResponse) => Promise<void>;
  readonly log: Log;
  /** Aborted when the emulator stops. */
  readonly signal: AbortSignal;
}

/** One TLS connection, after its handshake. */
export interface Link {
  readonly way: WayIn;
  /** As sent; null: none. */
  readonly serverName: string | null;
  /** By SNI, over HTTP also by Host; null: none of the account's. */
  readonly domain: Domain | null;
  readonly certificate: { readonly pem: string; readonly id: string } | null;
  readonly socket: Socket;
  /** Ends the TCP connection with a reset. */
  readonly reset: () => void;
}

/** A link that speaks MQTT, directly or within a WebSocket. */
export interface MqttLink extends Link {
  readonly stream: Duplex;
  /** The upgrade request of a WebSocket. */
  readonly http: {
    readonly headers: Readonly<Record<string, string>>;
    readonly queryString: string | null;
  } | null;
}

/** How long a connection that we close may take to read what we sent last. */
export const LINGER_MS = 1000;

/** One log line for a device that was not let in, in the words of AWS's own log (DG cwl-format). */
export function logRefusal(
  { log }: Gateway,
  { serverName, socket: { sourceIp } }: Pick<Link, "serverName" | "socket">,
  protocol: "mqtt" | "wss" | "https",
  clientId: string | null,
  { reason, details }: Refused,
): void {
  const eventType = reason === "AUTHORIZATION_FAILURE" ? "Connect" : "Connection.AuthNError";
  const seen = { protocol, clientId, sourceIp, serverNameIndication: serverName };
  log.info({ eventType, status: "Failure", reason, details, ...seen }, "device refused");
}
