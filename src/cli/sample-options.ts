import type { Argv } from "yargs";
import { parseDuration } from "../lib/duration.ts";
import { UsageError } from "../lib/errors.ts";
import { parseSampleSize, SAMPLE_FORM } from "../lib/sample-size.ts";
import type { SampleSize } from "../model/sample.ts";

/** How much of the fleet a command is about. */
export interface SampleOptions {
  readonly sample?: string | undefined;
  readonly within?: string | undefined;
}

/** Adds the flags for a sample. */
export function withSample<T>(argv: Argv<T>) {
  return argv
    .option("sample", {
      type: "string",
      requiresArg: true,
      describe: "Only N devices or P% of them, drawn from each cohort of each target",
    })
    .option("within", {
      type: "string",
      requiresArg: true,
      describe: "Only as many devices as the budgets let through in this time, such as 20m",
    });
}

/** As a part of a selection; throws UsageError. */
export function sampleOf({ sample, within }: SampleOptions): { readonly sample?: SampleSize } {
  if (sample !== undefined && within !== undefined) {
    throw new UsageError("--sample and --within exclude each other");
  }
  if (sample !== undefined) {
    const size = parseSampleSize(sample);
    if (size === null) throw new UsageError(`--sample: ${SAMPLE_FORM}`);
    return { sample: size };
  }
  if (within === undefined) return {};
  const withinMs = parseDuration(within);
  if (withinMs === null || withinMs <= 0) {
    throw new UsageError("--within: expected a duration such as 90s or 20m");
  }
  return { sample: { kind: "within", withinMs } };
}
