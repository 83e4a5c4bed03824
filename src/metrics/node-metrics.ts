import { collectDefaultMetrics, Registry } from "prom-client";

/** Gauges whose names end like counters: `promtool check metrics` rejects them. */
const REJECTED = [
  "nodejs_active_handles_total",
  "nodejs_active_requests_total",
  "nodejs_active_resources_total",
];

let shared: Registry | null = null;

/**
 * Node's own metrics under the names every dashboard knows. One registry for the process they describe: its
 * garbage collection observer and event loop monitor offer no way to stop, so a second set would pile up.
 */
export function nodeMetrics(): Registry {
  if (shared === null) {
    shared = new Registry();
    collectDefaultMetrics({ register: shared });
    for (const name of REJECTED) shared.removeSingleMetric(name);
  }
  return shared;
}
