import { Registry } from "prom-client";
import { wallMs } from "../lib/clock.ts";
import type { Observer } from "../model/ports.ts";
import type { AccountLimits } from "../model/preflight.ts";
import type { Realm } from "../model/realm.ts";
import type { JudgedCheck } from "../model/result.ts";
import type { RunSummary } from "../model/run.ts";
import { type Bounds, recordCheck } from "./checks.ts";
import { CredentialExpiry } from "./credential-expiry.ts";
import { exportFleet, exportTargets, type Fleet } from "./fleet.ts";
import { createInstruments, type Instruments } from "./instruments.ts";
import { BoundedLabel, labelValue } from "./labels.ts";
import { nodeMetrics } from "./node-metrics.ts";
import { LastRuns, type RunMeaning } from "./runs.ts";

export interface MetricsOptions {
  readonly version: string;
  /** Where this process tests from. */
  readonly location: string;
  /** Cohorts, and authorizers, beyond this many share the label `_overflow`. */
  readonly cohortLimit?: number;
}

export interface MetricsPage {
  readonly contentType: string;
  readonly body: string;
}

/** Error names come from AWS or from whatever answers in its place. */
const CODE_LIMIT = 50;

/** Everything the tester exports to Prometheus; the names are the catalogue's. */
export class Metrics implements Observer {
  readonly #registry = new Registry();
  readonly #instruments: Instruments = createInstruments(this.#registry);
  readonly #bounds: Bounds;
  readonly #location: string;
  readonly #lastRuns: LastRuns;
  readonly #expiry: CredentialExpiry;
  readonly #realms = new Map<string, Realm>();
  readonly #limits = new Map<string, AccountLimits>();
  #fleet: Fleet | null = null;

  constructor({ version, location, cohortLimit = 50 }: MetricsOptions) {
    this.#location = labelValue(location);
    this.#bounds = {
      cohort: new BoundedLabel(cohortLimit),
      authorizer: new BoundedLabel(cohortLimit),
      code: new BoundedLabel(CODE_LIMIT),
    };
    this.#lastRuns = new LastRuns(this.#instruments, this.#bounds.cohort);
    this.#expiry = new CredentialExpiry(
      this.#instruments.credential_expiry_timestamp_seconds,
      this.#bounds.cohort,
    );
    this.#instruments.build_info.set({ version: labelValue(version) }, 1);
    // Whoever exports metrics has read a configuration.
    this.configReloaded(true);
  }

  /** Counts one judged check. */
  record(judged: JudgedCheck): void {
    recordCheck(this.#instruments, this.#bounds, judged);
  }

  runStarted(suite: string): void {
    this.#instruments.run_in_progress.set({ suite: labelValue(suite) }, 1);
    this.#expiry.runStarted();
    this.runProgress(suite);
  }

  /** A check of a run was finished: what a stuck run stops doing. */
  runProgress(suite: string): void {
    this.#instruments.run_last_progress_timestamp_seconds.set({ suite: labelValue(suite) }, wallMs() / 1000);
  }

  /** A run without a decision, or over a part of its suite, leaves what is shown of the suite's last run. */
  runFinished(summary: RunSummary, meaning: RunMeaning): void {
    this.#instruments.run_in_progress.set({ suite: labelValue(summary.suite) }, 0);
    this.#expiry.runFinished();
    this.runProgress(summary.suite);
    this.#lastRuns.finished(summary, meaning);
  }

  /** What the last run of a suite showed, of an earlier process; `lastGo`: the newest one that was a go. */
  restoreRun(summary: RunSummary, lastGo: RunSummary | null, maxAgeMs: number): void {
    this.#lastRuns.restore(summary, lastGo, maxAgeMs);
  }

  /** Call it with the whole fleet at start and after each reload: series of what is not in it are removed. */
  async setFleet(fleet: Fleet): Promise<void> {
    this.#fleet = fleet;
    for (const name of this.#realms.keys()) {
      if (!fleet.targets.some((target) => target.name === name)) this.#realms.delete(name);
    }
    await exportFleet(this.#instruments, this.#bounds, this.#location, fleet);
    this.#exportTargets();
  }

  /** Service Quotas showed what the account of a target allows. */
  accountLimits(target: string, limits: AccountLimits): void {
    this.#limits.set(target, limits);
    this.#exportTargets();
  }

  /** Answers of a target showed who gives them. */
  targetRealm(target: string, realm: Realm): void {
    this.#realms.set(target, realm);
    this.#exportTargets();
  }

  #exportTargets(): void {
    const targets = this.#fleet?.targets;
    if (targets) exportTargets(this.#instruments, targets, this.#realms, this.#limits);
  }

  awsRequest({ target, operation, code }: Parameters<Observer["awsRequest"]>[0]): void {
    this.#instruments.aws_requests_total.inc({
      target: labelValue(target),
      operation,
      code: this.#bounds.code.of(code),
    });
  }

  budgetUsed({ target, operation }: Parameters<Observer["budgetUsed"]>[0]): void {
    this.#instruments.budget_used_total.inc({ target: labelValue(target), operation });
  }

  credentialFailure({ cohort }: Parameters<Observer["credentialFailure"]>[0]): void {
    this.#instruments.credential_fetch_failures_total.inc({ cohort: this.#bounds.cohort.of(cohort) });
  }

  /** A check was made with credentials that end then. */
  credentialExpiry(event: { readonly cohort: string; readonly expiresAtMs: number }): void {
    this.#expiry.seen(event);
  }

  overridden(suite: string): void {
    this.#instruments.overrides_total.inc({ suite: labelValue(suite) });
  }

  paused(isPaused: boolean): void {
    this.#instruments.paused.set(isPaused ? 1 : 0);
  }

  configReloaded(ok: boolean): void {
    this.#instruments.config_last_reload_successful.set(ok ? 1 : 0);
    if (ok) this.#instruments.config_last_reload_success_timestamp_seconds.set(wallMs() / 1000);
  }

  /** The page in the classic text format, 0.0.4, Node's own metrics included. */
  page(): Promise<MetricsPage> {
    return render(Registry.merge([this.#registry, nodeMetrics()]));
  }

  /** The page without Node's own metrics, for a collector that exports such metrics itself. */
  ownPage(): Promise<MetricsPage> {
    return render(this.#registry);
  }
}

async function render(registry: Registry): Promise<MetricsPage> {
  return { contentType: registry.contentType, body: await registry.metrics() };
}

/** Metrics of one process, on their own registry. */
export function createMetrics(options: MetricsOptions): Metrics {
  return new Metrics(options);
}
