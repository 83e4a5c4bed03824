import { expect, it } from "vitest";
import { createMetrics } from "../../src/metrics/metrics.ts";
import { sampleSummary } from "../report/sample.ts";
import { onlyValue, samplesOf } from "./page-reader.ts";

const METRIC = "credential_expiry_timestamp_seconds";

it("is the earliest end of the credentials that the last run used, for each cohort", async () => {
  const metrics = createMetrics({ version: "1", location: "local" });
  const value = async (cohort: string) => onlyValue((await metrics.ownPage()).body, METRIC, { cohort });
  const seen = (cohort: string, seconds: number) =>
    metrics.credentialExpiry({ cohort, expiresAtMs: seconds * 1000 });
  expect(samplesOf((await metrics.ownPage()).body, METRIC)).toEqual([]);

  metrics.runStarted("pre-rollout");
  seen("pumps", 2000);
  seen("pumps", 1000);
  seen("pumps", 3000);
  seen("valves", 500);
  expect(await value("pumps")).toBe(1000);
  metrics.runFinished(sampleSummary, { maxAgeMs: 1, isPartial: false });

  metrics.runStarted("pre-rollout");
  expect(await value("pumps")).toBe(1000);
  metrics.runStarted("another");
  seen("pumps", 9000);
  metrics.runFinished(sampleSummary, { maxAgeMs: 1, isPartial: false });
  seen("pumps", 9500);
  expect(await value("pumps")).toBe(9000);
  expect(await value("valves")).toBe(500);
});

it("leaves with its cohort", async () => {
  const metrics = createMetrics({ version: "1", location: "local" });
  metrics.credentialExpiry({ cohort: "pumps", expiresAtMs: 1 });
  await metrics.setFleet({ groups: [], invalid: 0, suites: [], targets: [] });
  expect(samplesOf((await metrics.ownPage()).body, METRIC)).toEqual([]);
});
