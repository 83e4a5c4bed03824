import type { CauseCode } from "./causes.ts";
import type { TopicAnswer } from "./proof.ts";

export const PHASES = [
  "dns",
  "tcp",
  "tls",
  "upgrade",
  "connack",
  "suback",
  "puback",
  "roundtrip",
  "response",
] as const;
/** Consecutive parts of one gateway connection; together they are its duration. */
export type Phase = (typeof PHASES)[number];

/** What was learnt about the connection, however far it got. */
export interface Transport {
  /** IP address dialled; null when resolution failed. */
  readonly address: string | null;
  readonly tls: { readonly version: string; readonly cipher: string; readonly alpn: string | null } | null;
  /** End of the server certificate's validity, ms since the epoch. */
  readonly certificateExpiresAtMs: number | null;
  /** Packets by name in their order, for example `> CONNECT`, `< CONNACK 0`; the first 40. */
  readonly packets: readonly string[];
  readonly phasesMs: Readonly<Partial<Record<Phase, number>>>;
  readonly durationMs: number;
  /** At most so much of the times above may be our own event loop's. */
  readonly delayMs: number;
  /** ms since the epoch. */
  readonly startedAtMs: number;
}

export type RefusedHow = "code" | "status" | "closed";

/** What the gateway did (design 6.8). `code`: CONNACK code or HTTP status; `reason`: scrubbed text. */
export type Outcome =
  | {
      readonly kind: "accepted";
      readonly transport: Transport;
      readonly code: number;
      /** CONNACK's session-present flag [MQTT-3.2.2-2]; null over https. */
      readonly sessionPresent: boolean | null;
      /** Of the tests asked for, those that this connection settled; one that ended early leaves some out. */
      readonly topics: readonly TopicAnswer[];
    }
  | {
      readonly kind: "refused";
      readonly how: RefusedHow;
      readonly code: number | null;
      readonly reason: string | null;
      readonly transport: Transport;
    }
  | {
      readonly kind: "unreachable" | "broken";
      readonly cause: CauseCode;
      readonly code: number | null;
      readonly reason: string;
      readonly transport: Transport;
      /** The peer or our TLS stack ended the handshake with an alert: a refusal where no SNI was sent. */
      readonly tlsAlert: boolean;
    }
  | { readonly kind: "skipped"; readonly cause: CauseCode; readonly reason: string };
