import { CATALOG, type MetricSpec, PREFIX } from "../../src/metrics/catalog.ts";

const SPECS: readonly (readonly [string, MetricSpec])[] = Object.entries(CATALOG);
/** A histogram is asked by its parts. */
const EXPORTED: ReadonlySet<string> = new Set(
  SPECS.flatMap(([name, { type }]) =>
    type === "histogram"
      ? ["bucket", "count", "sum"].map((part) => `${PREFIX}${name}_${part}`)
      : [PREFIX + name],
  ),
);

/** Names in a query that begin as ours and are no exported series; names of recording rules hold a colon. */
export function unknownMetrics(expr: string): string[] {
  const names = expr.match(/[a-zA-Z_:][a-zA-Z0-9_:]*/g) ?? [];
  return names.filter((name) => name.startsWith(PREFIX) && !EXPORTED.has(name));
}
