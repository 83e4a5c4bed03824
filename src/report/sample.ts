import { ratePercent } from "../lib/failure-bound.ts";
import { sampleSizeText } from "../lib/sample-size.ts";
import type { RunSummary } from "../model/run.ts";
import type { RunSample, SampleBound } from "../model/sample.ts";
import { count, plural } from "./numbers.ts";

const MAX_ROWS = 20;

/** What a run drew and which failure rates that excludes, the weakest first; empty: nothing was left out. Not escaped. */
export function sampleLines({ sample, gate }: Pick<RunSummary, "sample" | "gate">): string[] {
  return [
    ...(sample === undefined ? [] : [drawnText(sample), ...boundLines(gate?.bounds ?? [], boundText)]),
    ...boundLines(gate?.disagreement ?? [], disagreementText),
  ];
}

function boundLines(bounds: readonly SampleBound[], text: (bound: SampleBound) => string): string[] {
  const weakestFirst = bounds.toSorted((a, b) => b.failureRate - a.failureRate);
  const rest = bounds.length - MAX_ROWS;
  return [
    ...weakestFirst.slice(0, MAX_ROWS).map(text),
    ...(rest > 0 ? [`and ${count(rest)} more, none weaker`] : []),
  ];
}

/** For example `59 of 1,200 devices were drawn (5 %, seed 20261123T…)`. */
function drawnText({ size, seed, devices, ofDevices }: RunSample): string {
  return `${count(devices)} of ${plural(ofDevices, "device")} were drawn (${sampleSizeText(size)}, seed ${seed})`;
}

/** For example `pumps on eu-prod: 0 of 59 checks failed: excludes that more than 5.8 % of 1,200 devices do, with 95 % confidence`. */
function boundText(bound: SampleBound): string {
  const { cohort, target, decided, failed, devices, ofDevices } = bound;
  const where = `${cohort} on ${target}`;
  if (decided === 0) return `${where}: nothing was decided, so nothing is excluded`;
  const seen = `${where}: ${count(failed)} of ${plural(decided, "check")} failed`;
  if (devices >= ofDevices) return `${seen}; all ${plural(ofDevices, "device")} were drawn`;
  return `${seen}; ${excludes(bound)}`;
}

/** For example `pumps on eu-prod: authorizer and gateway disagreed about 0 of 73 checks; with 95 % confidence …`. */
function disagreementText(bound: SampleBound): string {
  const { cohort, target, decided, failed, devices, ofDevices } = bound;
  const where = `${cohort} on ${target}`;
  if (decided === 0) return `${where}: the authorizer answered for no device that should get in`;
  const seen = `${where}: authorizer and gateway disagreed about ${count(failed)} of ${plural(decided, "check")}`;
  if (devices >= ofDevices) return `${seen}; it was asked about all ${plural(ofDevices, "device")}`;
  return `${seen}; ${excludes(bound, "they do about no")}`;
}

/** For example `with 95 % confidence no more than 5.8 % of 1,200 devices do`. */
export function excludes(
  { failureRate, confidence, ofDevices }: Pick<SampleBound, "failureRate" | "confidence" | "ofDevices">,
  words = "no",
): string {
  const most = `${words} more than ${ratePercent(failureRate)} of ${plural(ofDevices, "device")}`;
  return `with ${ratePercent(confidence)} confidence ${most}${words === "no" ? " do" : ""}`;
}
