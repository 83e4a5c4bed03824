import { describe, expect, it } from "vitest";
import { CATALOG, type MetricSpec, PREFIX } from "../../src/metrics/catalog.ts";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { renderDocs } from "./render-docs.ts";

const SPECS: readonly (readonly [string, MetricSpec])[] = Object.entries(CATALOG);

describe("the catalogue", () => {
  it("is what docs/metrics.md says", async () => {
    await expect(renderDocs()).toMatchFileSnapshot("../../docs/metrics.md");
  });

  it("is what the page holds, each with its type", async () => {
    const { body } = await createMetrics({ version: "1", location: "local" }).ownPage();
    const onPage = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]);
    expect(onPage).toEqual(SPECS.map(([name, { type }]) => [PREFIX + name, type]));
    expect(SPECS.length).toBeGreaterThan(25);
  });

  it.each(SPECS)("%s has no device id and no name that targets of a scrape use", (_name, { labels }) => {
    const taken = ["device", "id", "region", "zone", "env", "service", "instance", "job", "type"];
    expect(labels.filter((label) => taken.includes(label))).toEqual([]);
  });

  it.each(SPECS.filter(([, { type }]) => type === "histogram"))("%s has rising buckets", (_name, spec) => {
    const buckets = spec.buckets ?? [];
    expect(buckets.length).toBeGreaterThan(5);
    expect(buckets.toSorted((a, b) => a - b)).toEqual(buckets);
  });

  it("gives the authorizer's limit of 5 seconds a bucket's edge", () => {
    expect(CATALOG.authorizer_duration_seconds.buckets).toContain(5);
  });
});
