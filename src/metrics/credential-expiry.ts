import type { Gauge } from "prom-client";
import type { BoundedLabel } from "./labels.ts";

/**
 * The earliest end of each cohort's credentials. Credentials are renewed, so it is that of the last runs: it is
 * looked for anew when a run starts while no other is going on. Until its first check the old one stays.
 */
export class CredentialExpiry {
  readonly #gauge: Gauge<"cohort">;
  readonly #cohort: BoundedLabel;
  /** By cohort, in milliseconds since the epoch. */
  readonly #earliest = new Map<string, number>();
  #runs = 0;

  constructor(gauge: Gauge<"cohort">, cohort: BoundedLabel) {
    this.#gauge = gauge;
    this.#cohort = cohort;
  }

  runStarted(): void {
    if (this.#runs === 0) this.#earliest.clear();
    this.#runs += 1;
  }

  runFinished(): void {
    this.#runs = Math.max(0, this.#runs - 1);
  }

  seen(event: { readonly cohort: string; readonly expiresAtMs: number }): void {
    const cohort = this.#cohort.of(event.cohort);
    const earliest = Math.min(this.#earliest.get(cohort) ?? Number.POSITIVE_INFINITY, event.expiresAtMs);
    this.#earliest.set(cohort, earliest);
    this.#gauge.set({ cohort }, earliest / 1000);
  }
}
