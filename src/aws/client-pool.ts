/** Clients of one service, made when first used. */
export class ClientPool<C extends { destroy(): void }> {
  readonly #clients = new Map<string, C>();

  of(key: string, make: () => C): C {
    const client = this.#clients.get(key) ?? make();
    this.#clients.set(key, client);
    return client;
  }

  /** Closes every connection. */
  close(): void {
    for (const client of this.#clients.values()) client.destroy();
    this.#clients.clear();
  }
}

/** What is told to every client of the SDK: it makes one try, as each spends the account's quota and may invoke a Lambda. */
export const ONE_TRY = {
  maxAttempts: 1,
  // AWS_RETRY_MODE=adaptive would add a rate limiter of its own in front of ours.
  retryMode: "standard",
  // A skewed clock spoils what is said of expired tokens and certificates too: it must show, on each call.
  disableClockSkewCorrection: true,
} as const;
