import type { SuiteNames } from "../metrics/fleet.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Config, Suite } from "../model/config.ts";
import type { Scan } from "../profiles/scanner.ts";

/** A configuration's fleet in the metrics; of those that share them, one is shown. */
export class ShownFleet {
  readonly #config: Config;
  readonly #metrics: Pick<Metrics, "setFleet">;
  #isCurrent: boolean;
  #last: Scan | null = null;

  constructor(config: Config, metrics: Pick<Metrics, "setFleet">, isCurrent: boolean) {
    this.#config = config;
    this.#metrics = metrics;
    this.#isCurrent = isCurrent;
  }

  /** The sources were read again. */
  async scanned(scan: Scan): Promise<void> {
    if (this.#isCurrent) await this.#show(scan);
  }

  /** From now on this one is shown. */
  async takeOver(scan: Scan): Promise<void> {
    this.#isCurrent = true;
    await this.#show(scan);
  }

  /** Another one is. */
  stepBack(): void {
    this.#isCurrent = false;
  }

  /** What runs of an earlier configuration have shown meanwhile goes. */
  async again(): Promise<void> {
    if (this.#last !== null) await this.#show(this.#last);
  }

  #show(scan: Scan): Promise<void> {
    this.#last = scan;
    const { groups, invalid } = scan;
    const { targets, suites } = this.#config;
    return this.#metrics.setFleet({ groups, invalid, targets, suites: suites.map(namesOf) });
  }
}

function namesOf({ name, cohorts, expected, cohortGates }: Suite): SuiteNames {
  return { name, cohorts: [...(cohorts ?? []), ...Object.keys({ ...expected, ...cohortGates })] };
}
