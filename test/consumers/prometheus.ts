import { samplesOf } from "../metrics/page-reader.ts";

/**
 * What the recommended query answers, once the page was scraped at this moment:
 *
 *     fleet_smoke_gate_state{suite="S", target="", cohort="", state="go"} == 1
 *       and on (suite) fleet_smoke_gate_expiry_timestamp_seconds > time()
 *       and on (suite) fleet_smoke_run_in_progress == 0
 */
export function queryIsTrue(page: string, suite: string, nowSeconds: number): boolean {
  const value = (name: string, labels: Readonly<Record<string, string>> = {}) =>
    samplesOf(page, name, { suite, ...labels })[0]?.value;
  const state = value("gate_state", { target: "", cohort: "", state: "go" });
  const expiry = value("gate_expiry_timestamp_seconds");
  return state === 1 && expiry !== undefined && expiry > nowSeconds && value("run_in_progress") === 0;
}
