import type { Series } from "../../model/series.ts";
import type { Style } from "../style.ts";
import { field, sentence } from "./layout.ts";

/** The series a run would export for this check, each value before its labels. */
export function metricLines(metrics: readonly Series[], style: Style): string[] {
  // One check observes once: a histogram's sum says all, and its count is 1.
  const shown = metrics.filter(({ name }) => !name.endsWith("_seconds_count"));
  return [...Map.groupBy(shown, ({ name }) => name.replace(/_seconds_sum$/, "_seconds"))].flatMap(
    ([metric, series]) => [
      ...sentence(metric, style, "dim"),
      ...series.flatMap(({ labels, value }) => {
        const pairs = Object.entries(labels).map(([label, text]) => `${label}=${JSON.stringify(text)}`);
        return field(String(value), pairs.join(", "), style);
      }),
    ],
  );
}
