import { metric, recent } from "../prometheus/rules.ts";

/** Label matchers with the dashboard's variables. */
export const SUITE = 'suite=~"$suite"';
export const TARGET = 'target=~"$target"';
export const GROUP = `${TARGET},cohort=~"$cohort"`;
export const RATE = "$__rate_interval";

/** The one-hot gate as a number: 1 go, 2 inconclusive, 3 no-go. */
export function decisionCode(matchers: string, by: string): string {
  const state = (name: string) => `max by (${by}) (${metric("gate_state", `${matchers},state="${name}"`)})`;
  return `${state("go")} + 2 * ${state("inconclusive")} + 3 * ${state("no-go")}`;
}

/** What a counter gained, by labels; a bar of a graph stands for the time between two of its points. */
export function gained(by: string, selector: string, window: string = RATE): string {
  return `sum by (${by}) (${recent(selector, window)})`;
}

/** A percentile of a histogram; `by`: labels, each followed by a comma, or nothing. */
export function quantile(q: number, by: string, name: string, matchers: string): string {
  return `histogram_quantile(${q}, ${gained(`${by}le`, metric(`${name}_bucket`, matchers))})`;
}

/** The decision on a suite as a whole. */
export const WHOLE = `${SUITE},target="",cohort=""`;
