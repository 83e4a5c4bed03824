/**
 * A model of Argo Rollouts' web metric and of how its measurements become the phase of an analysis (argo-rollouts
 * metricproviders/webmetric, utils/evaluate and analysis/analysis.go; consecutiveSuccessLimit since 1.8).
 */

export type Phase = "Successful" | "Failed" | "Inconclusive" | "Error";

export interface Metric {
  /** true: this measurement succeeds; null: no condition is given. */
  readonly success: ((result: Answered) => boolean) | null;
  readonly failure: ((result: Answered) => boolean) | null;
  readonly count: number;
  readonly failureLimit: number;
  readonly inconclusiveLimit: number;
  readonly consecutiveSuccessLimit: number | null;
}

/** What the conditions see: `{$.data}`. */
export interface Answered {
  readonly decision: string;
  readonly ok: boolean;
  readonly realm: string | null;
}

/** As docs/http.md recommends it. */
export const RECIPE: Metric = {
  success: ({ decision }) => decision === "go",
  failure: ({ decision }) => decision === "no-go",
  count: 3,
  failureLimit: 0,
  inconclusiveLimit: 3,
  consecutiveSuccessLimit: 1,
};

const CONSECUTIVE_ERROR_LIMIT = 4;

/** One measurement. */
export async function measure(response: Response, metric: Metric): Promise<Phase> {
  const text = await response.text();
  if (response.status < 200 || response.status >= 300) return "Error";
  let data: Answered | undefined;
  try {
    data = (JSON.parse(text) as { readonly data?: Answered }).data;
  } catch {
    return "Error";
  }
  if (data === undefined) return "Error";
  return evaluate(data, metric);
}

/** Neither condition given: Successful, whatever the documentation says. */
function evaluate(result: Answered, { success, failure }: Metric): Phase {
  if (failure?.(result) === true) return "Failed";
  if (success?.(result) === true) return "Successful";
  if (success !== null && failure !== null) return "Inconclusive";
  if (success === null && failure === null) return "Successful";
  return success === null ? "Successful" : "Failed";
}

/** null: another measurement is taken. */
export function assess(measured: readonly Phase[], metric: Metric): Phase | null {
  const number = (phase: Phase) => measured.filter((each) => each === phase).length;
  if (number("Failed") > metric.failureLimit) return "Failed";
  if (number("Inconclusive") > metric.inconclusiveLimit) return "Inconclusive";
  if (trailing(measured, "Error") > CONSECUTIVE_ERROR_LIMIT) return "Error";
  const limit = metric.consecutiveSuccessLimit;
  if (limit !== null && trailing(measured, "Successful") >= limit) return "Successful";
  if (measured.length - number("Error") < metric.count) return null;
  // The trap: without the limit, whatever was neither a failure nor too often inconclusive has succeeded.
  return limit === null ? "Successful" : "Inconclusive";
}

function trailing(measured: readonly Phase[], phase: Phase): number {
  const other = measured.findLastIndex((each) => each !== phase);
  return measured.length - 1 - other;
}

/** A whole analysis, its measurements one after the other. */
export async function analyse(ask: () => Promise<Response>, metric: Metric): Promise<Phase> {
  const measured: Phase[] = [];
  for (;;) {
    measured.push(await measure(await ask(), metric));
    const phase = assess(measured, metric);
    if (phase !== null) return phase;
  }
}
