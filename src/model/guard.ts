/** The operation that was answered. */
export type StateSource = "GetConnection" | "GetThingConnectivityData";

/** Is a device connected with this client id right now? Only AWS's own word counts; `unknown` is not offline. */
export type ConnectionState =
  | { readonly kind: "connected"; readonly via: StateSource; readonly evidence: string }
  | {
      readonly kind: "offline";
      readonly via: StateSource;
      /** What AWS says of the last connection's session: does it outlive the connection? */
      readonly session: "kept" | "none" | "unknown";
      readonly evidence: string;
    }
  /** `reason`: scrubbed. */
  | { readonly kind: "unknown"; readonly reason: string };

/** What was done for the safety of a check whose client id a live device may use (`identity: device`). */
export interface GuardRecord {
  readonly state: ConnectionState;
  /** Was the gateway connected to? */
  readonly connected: boolean;
  /** CONNACK's session-present flag; null where there was none. */
  readonly sessionPresent: boolean | null;
}
