import type { Outcome } from "./outcome.ts";

export const VARIATIONS = [
  "alpn-mqtt",
  "no-client-certificate",
  "signature-encoding",
  "endpoint-server-name",
  "clean-session-no-will",
] as const;
/** One thing changed in a device's connection, to see whether it was what kept the device out. */
export type Variation = (typeof VARIATIONS)[number];

/** A second attempt of a device that was kept out, with one thing changed. */
export interface SecondAttempt {
  readonly variation: Variation;
  readonly outcome: Outcome;
}

/** What a dedicated profile lends, to see whether another device gets at it. */
export interface Decoy {
  readonly id: string;
  readonly target: string;
  readonly clientId: string | null;
  /** Rendered topics (topic filters), the likeliest to be its own first. */
  readonly topics: readonly string[];
}
