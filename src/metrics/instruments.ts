import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import { assertNever } from "../lib/errors.ts";
import { CATALOG, type Catalog, type MetricName, type MetricSpec, PREFIX } from "./catalog.ts";

type Instrument<S extends MetricSpec> = {
  readonly counter: Counter<S["labels"][number]>;
  readonly gauge: Gauge<S["labels"][number]>;
  readonly histogram: Histogram<S["labels"][number]>;
}[S["type"]];

/** The catalogue's metrics, each with the methods of its type and checked label names. */
export type Instruments = {
  readonly [N in MetricName]: Instrument<Catalog[N]>;
};

/** Registers every metric of the catalogue. */
export function createInstruments(registry: Registry): Instruments {
  const specs: readonly (readonly [string, MetricSpec])[] = Object.entries(CATALOG);
  const made = specs.map(([name, spec]) => [name, createInstrument(`${PREFIX}${name}`, spec, registry)]);
  return Object.fromEntries(made) as Instruments;
}

function createInstrument(name: string, spec: MetricSpec, registry: Registry) {
  const common = { name, help: spec.help, labelNames: [...spec.labels], registers: [registry] };
  switch (spec.type) {
    case "counter":
      return new Counter(common);
    case "gauge":
      return new Gauge(common);
    case "histogram":
      return new Histogram({ ...common, buckets: [...(spec.buckets ?? [])] });
    default:
      return assertNever(spec.type, "metric type");
  }
}

/** Removes the series whose labels do not pass; on reload what left the configuration must leave the page. */
export async function retainSeries(
  metric: Counter | Gauge | Histogram,
  keep: (labels: Readonly<Partial<Record<string, string | number>>>) => boolean,
): Promise<void> {
  const { values } = await metric.get();
  for (const { labels } of values) {
    if (keep(labels)) continue;
    // A histogram lists a series once for each bucket; removing it again does nothing.
    const { le: _, ...own } = labels as Record<string, string | number>;
    metric.remove(own);
  }
}
