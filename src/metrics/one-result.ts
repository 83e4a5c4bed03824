import { Registry } from "prom-client";
import { judgedCheck } from "../lib/words.ts";
import type { Result } from "../model/result.ts";
import type { Series } from "../model/series.ts";
import { PREFIX } from "./catalog.ts";
import { recordCheck } from "./checks.ts";
import { createInstruments } from "./instruments.ts";
import { BoundedLabel } from "./labels.ts";

/** What results alone would export, in a registry of their own: nothing of it reaches the process's metrics. */
export class ResultMetrics {
  readonly #registry = new Registry();
  readonly #instruments = createInstruments(this.#registry);
  readonly #bounds = {
    cohort: new BoundedLabel(1),
    authorizer: new BoundedLabel(10),
    code: new BoundedLabel(1),
  };

  record(result: Result): void {
    recordCheck(this.#instruments, this.#bounds, judgedCheck(result));
  }

  /** Every series that something was recorded in; of a histogram its count and sum. */
  async series(): Promise<Series[]> {
    const metrics = await this.#registry.getMetricsAsJSON();
    return metrics.flatMap(({ name, values }) =>
      values
        .map((each) => ({
          name: nameOf(each, name),
          labels: labelsOf(each.labels),
          // To the microsecond: more digits are noise.
          value: Math.round(each.value * 1e6) / 1e6,
        }))
        .filter(({ name: own, value }) => (value !== 0 || own.endsWith("_sum")) && !own.endsWith("_bucket")),
    );
  }

  /** The page of these series in the classic text format; metrics without any are left out. */
  async page(): Promise<{ readonly contentType: string; readonly body: string }> {
    const names = new Set((await this.series()).map(({ name }) => name.replace(/_(count|sum)$/, "")));
    const metrics = await this.#registry.getMetricsAsJSON();
    const shown = metrics.filter(({ name }) => names.has(name) && name.startsWith(PREFIX));
    const texts = await Promise.all(shown.map(({ name }) => this.#registry.getSingleMetricAsString(name)));
    return { contentType: this.#registry.contentType, body: `${texts.join("\n\n")}\n` };
  }
}

/** A histogram's values carry names of their own. */
function nameOf(value: object, metric: string): string {
  return "metricName" in value && typeof value.metricName === "string" ? value.metricName : metric;
}

function labelsOf(labels: Readonly<Partial<Record<string, string | number>>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).map(([label, value]) => [label, String(value)]));
}
