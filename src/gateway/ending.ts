import type { CauseCode } from "../model/causes.ts";
import type { Phase } from "../model/outcome.ts";
import type { TopicAnswer } from "../model/proof.ts";

/** The steps a prober goes through; each is also the name of the phase it is timed as. */
export type Step = Phase;

/** The bare facts of how a connection ended, before they are given a meaning (`classify.ts`). */
export type Ending =
  /** A whole CONNACK came. `reason`: the reason string of MQTT 5. `topics`: what was settled after it. */
  | {
      readonly kind: "connack";
      readonly code: number;
      readonly reason: string | null;
      readonly sessionPresent: boolean;
      readonly topics: readonly TopicAnswer[];
    }
  /** A whole HTTP answer came, or the status line of a refusal. `reason`: error type and message. */
  | { readonly kind: "status"; readonly status: number; readonly reason: string | null }
  /** The gateway closed in order: FIN, or a WebSocket close frame whose code and text are the reason. */
  | { readonly kind: "closed"; readonly reason: string | null }
  /** An error of the system, of TLS or of a library. */
  | { readonly kind: "failed"; readonly error: unknown }
  /** The handshake was completed but the server's certificate does not hold. `code`: OpenSSL's or Node's. */
  | { readonly kind: "certificate"; readonly code: string; readonly reason: string }
  /** The gateway sent what the protocol does not allow. */
  | { readonly kind: "violation"; readonly cause: CauseCode; readonly reason: string }
  /** Somebody else connected with our client id (DISCONNECT 0x8E). */
  | { readonly kind: "taken-over"; readonly reason: string | null }
  | { readonly kind: "timeout"; readonly timeoutMs: number }
  | { readonly kind: "interrupted" }
  /** We could not do our part. */
  | { readonly kind: "unusable"; readonly cause: CauseCode; readonly reason: string };

export function violation(reason: string): Ending {
  return { kind: "violation", cause: "GATEWAY_PROTOCOL_VIOLATION", reason };
}
