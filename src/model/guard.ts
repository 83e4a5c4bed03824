/** Is a device connected with this client id right now? Only AWS's own word counts; `unknown` is not offline. */
export type ConnectionState =
  | {
      readonly kind: "connected" | "offline";
      readonly via: "GetConnection" | "GetThingConnectivityData";
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
