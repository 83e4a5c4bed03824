import type { Rate } from "./rate.ts";

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
  /** Requests with scope `trigger` of one token, without tokens of one address; a gate is polled every second. */
  readonly triggers: Rate;
  /** Refused tokens of one address. */
  readonly failedTokens: Rate;
  /** Streams of events open at once. */
  readonly streams: number;
  /** Between two progress events of a stream. */
  readonly progressMs: number;
  /** Between two signs of life of a stream; less than `silenceMs`. */
  readonly heartbeatMs: number;
  /** How long Flagger is kept waiting for a run; less than the 10 s after which it gives up. */
  readonly flaggerWaitMs: number;
  /** Calls of Flagger kept waiting at once. */
  readonly flaggerWaits: number;
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
  triggers: { burst: 100, perSecond: 10 },
  failedTokens: { burst: 20, perSecond: 0.5 },
  streams: 32,
  progressMs: 500,
  heartbeatMs: 15_000,
  flaggerWaitMs: 8_000,
  flaggerWaits: 16,
  closeMs: 2_000,
};
