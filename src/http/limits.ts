/** What one client may cost us. */
export interface HttpLimits {
  readonly bodyBytes: number;
  /** From the first byte of a request to the end of its headers. */
  readonly headersTimeoutMs: number;
  /** From the first byte of a request to its last. */
  readonly requestTimeoutMs: number;
  /** How often the two above are looked at. */
  readonly timeoutCheckMs: number;
  /** An unused connection between two requests. */
  readonly keepAliveMs: number;
  /** No byte in either direction: a client that does not read, or has not finished its TLS handshake. */
  readonly silenceMs: number;
  readonly connections: number;
  /** Devices probed at once. */
  readonly probes: number;
  /** For a whole probe, waiting for its turn included; less than `silenceMs`, because nothing is said meanwhile. */
  readonly probeMs: number;
  /** What requests in flight get to finish when the server closes. */
  readonly closeMs: number;
}

export const DEFAULT_LIMITS: HttpLimits = {
  bodyBytes: 64 * 1024,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 20_000,
  // Node looks every 30 s by default, which would make the two limits above mean little.
  timeoutCheckMs: 1_000,
  keepAliveMs: 5_000,
  silenceMs: 60_000,
  connections: 256,
  probes: 4,
  probeMs: 45_000,
  closeMs: 2_000,
};
