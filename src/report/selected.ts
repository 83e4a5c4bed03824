import { sampleSizeText } from "../lib/sample-size.ts";
import type { RunSummary } from "../model/run.ts";
import { plural } from "./numbers.ts";

const MAX_NAMES = 3;

/** What the decision is about where it is not the whole suite: `only cohort pumps`. Empty: it is. Not escaped. */
export function selectedText({ cohorts, devices, sample }: RunSummary["selection"]): string {
  const parts = [
    ...(sample === undefined ? [] : [`a sample (${sampleSizeText(sample)})`]),
    ...(devices === null ? [] : [namesText("device", devices)]),
    ...(cohorts === null ? [] : [namesText("cohort", cohorts)]),
  ];
  return parts.length === 0 ? "" : `only ${parts.join(" of ")}`;
}

function namesText(what: string, names: readonly string[]): string {
  if (names.length > MAX_NAMES) return plural(names.length, what);
  return `${what}${names.length === 1 ? "" : "s"} ${names.join(", ")}`;
}
