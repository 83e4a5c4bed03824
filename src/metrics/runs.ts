import type { Gauge } from "prom-client";
import { DECISIONS, type Decision } from "../model/gate.ts";
import { VERDICTS } from "../model/result.ts";
import type { RunSummary } from "../model/run.ts";
import type { Instruments } from "./instruments.ts";
import { type BoundedLabel, labelValue } from "./labels.ts";

/** Decisions from best to worst: cohorts that share one series show their worst. */
const SEVERITY: Readonly<Record<Decision, number>> = { go: 0, inconclusive: 1, "no-go": 2 };

/** What a finished run says about its suite. */
export interface RunMeaning {
  /** How long the decision may be relied on. */
  readonly maxAgeMs: number;
  /** It was narrowed to some cohorts or devices: its decision is not the suite's. */
  readonly isPartial: boolean;
}

/** Exports the last run of each suite; what the run before had and this one has not disappears. */
export class LastRuns {
  readonly #instruments: Instruments;
  readonly #cohort: BoundedLabel;
  /** Removes what was exported for a suite. */
  readonly #shown = new Map<string, (() => void)[]>();

  constructor(instruments: Instruments, cohort: BoundedLabel) {
    this.#instruments = instruments;
    this.#cohort = cohort;
  }

  finished(summary: RunSummary, { maxAgeMs, isPartial }: RunMeaning): void {
    const suite = labelValue(summary.suite);
    const made = this.#instruments;
    made.runs_total.inc({ suite, decision: summary.decision ?? "none" });
    if (summary.decision === null || isPartial) return;
    made.run_duration_seconds.observe({ suite }, summary.durationSeconds);
    this.#show(suite, summary, summary.decision, maxAgeMs);
  }

  /** A run of an earlier process: it is shown, and counted nowhere. */
  restore(summary: RunSummary, lastGo: RunSummary | null, maxAgeMs: number): void {
    if (summary.decision === null) return;
    const suite = labelValue(summary.suite);
    if (lastGo !== null) this.#instruments.last_go_timestamp_seconds.set({ suite }, endOf(lastGo));
    this.#show(suite, summary, summary.decision, maxAgeMs);
  }

  #show(suite: string, summary: RunSummary, decision: Decision, maxAgeMs: number): void {
    const made = this.#instruments;
    for (const remove of this.#shown.get(suite) ?? []) remove();
    this.#shown.set(suite, []);
    const endedAt = endOf(summary);
    made.last_run_timestamp_seconds.set({ suite }, endedAt);
    if (decision === "go") made.last_go_timestamp_seconds.set({ suite }, endedAt);
    made.gate_expiry_timestamp_seconds.set({ suite }, endedAt + maxAgeMs / 1000);
    this.#checks(suite, summary);
    this.#state(suite, summary, decision);
    this.#rules(suite, summary);
  }

  #checks(suite: string, { groups }: RunSummary): void {
    const gauge = this.#instruments.last_run_checks;
    for (const group of groups) {
      const where = { suite, target: labelValue(group.target), cohort: this.#cohort.of(group.cohort) };
      for (const verdict of VERDICTS) {
        // Added, not set: several cohorts may share `_overflow`.
        gauge.inc({ ...where, verdict }, group[verdict]);
        this.#remember(suite, gauge, { ...where, verdict });
      }
    }
  }

  #state(suite: string, { gate }: RunSummary, whole: Decision): void {
    const gauge = this.#instruments.gate_state;
    const worst = new Map<string, { target: string; cohort: string; decision: Decision }>();
    for (const group of gate?.groups ?? []) {
      const place = { target: labelValue(group.target), cohort: this.#cohort.of(group.cohort) };
      const key = JSON.stringify([place.target, place.cohort]);
      const known = worst.get(key);
      if (known === undefined || SEVERITY[group.decision] > SEVERITY[known.decision]) {
        worst.set(key, { ...place, decision: group.decision });
      }
    }
    for (const { decision, ...place } of [{ target: "", cohort: "", decision: whole }, ...worst.values()]) {
      for (const state of DECISIONS) {
        gauge.set({ suite, ...place, state }, state === decision ? 1 : 0);
        this.#remember(suite, gauge, { suite, ...place, state });
      }
    }
  }

  #rules(suite: string, { gate }: RunSummary): void {
    const { gate_rule_threshold: threshold, gate_rule_observed: observed } = this.#instruments;
    const ofTheWhole = (gate?.rules ?? []).filter(({ target, cohort }) => target === null && cohort === null);
    for (const each of ofTheWhole) {
      const labels = { suite, rule: labelValue(each.rule) };
      threshold.set(labels, each.threshold);
      this.#remember(suite, threshold, labels);
      if (each.observed === null) continue;
      observed.set(labels, each.observed);
      this.#remember(suite, observed, labels);
    }
  }

  #remember<L extends string>(
    suite: string,
    gauge: Gauge<L>,
    labels: Readonly<Partial<Record<L, string>>>,
  ): void {
    this.#shown.get(suite)?.push(() => gauge.remove(labels));
  }
}

/** Seconds since the epoch. */
function endOf({ startedAt, durationSeconds }: RunSummary): number {
  return Date.parse(startedAt) / 1000 + durationSeconds;
}
