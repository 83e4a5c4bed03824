import type { App } from "../../app.ts";
import type { ProbeAnswer, ProbePort } from "../../http/ports.ts";
import { ResultMetrics } from "../../metrics/one-result.ts";
import type { Result } from "../../model/result.ts";
import type { CheckSteps } from "../../report/steps/check-steps.ts";
import { checkText } from "../../report/steps/render.ts";
import { type PauseGate, pauseText } from "../../run/pause.ts";
import { problemText } from "../prepare.ts";
import { probeDevice, probeReport } from "../probe-device.ts";
import type { Setup } from "./setup.ts";

/** Columns of a page that has no terminal to ask. */
const PAGE_WIDTH = 100;

/** Tests single devices for the HTTP API; the daemon waits for those under way before it takes the app apart. */
export class DaemonProbes implements ProbePort, AsyncDisposable {
  readonly #setup: () => Setup;
  readonly #pause: PauseGate;
  readonly #underWay = new Set<Promise<ProbeAnswer>>();

  /** @param setup the configuration that is in force */
  constructor(setup: () => Setup, pause: PauseGate) {
    this.#setup = setup;
    this.#pause = pause;
  }

  async probe(device: string, signal: AbortSignal): Promise<ProbeAnswer> {
    const pause = this.#pause.paused();
    if (pause !== null) return { kind: "paused", reason: pauseText(pause) };
    const setup = this.#setup();
    const answer = setup
      .use(() => probe(setup.app, device, signal))
      .finally(() => this.#underWay.delete(answer));
    this.#underWay.add(answer);
    return await answer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }
}

async function probe(app: App, device: string, signal: AbortSignal): Promise<ProbeAnswer> {
  const found = await app.findDevice(device, signal);
  if (found.kind === "missing") {
    const [first] = found.problems;
    const also = first === undefined ? "" : `; it may be meant here: ${problemText(first)}`;
    return { kind: "unknown", reason: `no valid profile has this id${also}` };
  }
  const steps: CheckSteps[] = [];
  const results: Result[] = [];
  for await (const probed of probeDevice(app, found.profile, signal)) {
    steps.push(probed.steps);
    results.push(probed.result);
  }
  return { kind: "probed", probe: viewOf(device, steps, results) };
}

function viewOf(device: string, steps: readonly CheckSteps[], results: readonly Result[]) {
  const report = probeReport(device, steps);
  return {
    device,
    verdict: report.verdict,
    causes: steps.flatMap(({ protocol, causes }) => causes.map((cause) => ({ protocol, ...cause }))),
    text: () => steps.map((each) => checkText(each, { color: false, width: PAGE_WIDTH })).join("\n\n\n"),
    report,
    metricsPage: () => {
      const metrics = new ResultMetrics();
      for (const result of results) metrics.record(result);
      return metrics.page();
    },
  };
}
