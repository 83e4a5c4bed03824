import { Histogram } from "../../src/lib/histogram.ts";
import { toRecord } from "../../src/lib/words.ts";
import type { ResultRecord } from "../../src/model/result.ts";
import type { RunSummary } from "../../src/model/run.ts";
import { History } from "../../src/store/history.ts";
import { sampleSummary } from "../report/sample.ts";
import { CLOSED, checkOf } from "../support/fixtures.ts";
import { judged, resultOf } from "../support/results.ts";

export interface MadeHistory {
  readonly suite: string;
  readonly runs: number;
  readonly resultsOfRun: number;
  /** When the newest run began; the others every quarter of an hour before it. */
  readonly newestMs: number;
}

const EVERY_MS = 15 * 60_000;
const PASS = toRecord(resultOf({ check: checkOf({}, { id: "pump", cohort: "pumps" }) }));
const FAIL = toRecord(resultOf({ outcome: CLOSED, verdict: judged("fail", "ALPN_MISSING") }));

/** Writes runs as they could have been, the same ones each time: most are a go, now and then some devices stay out. */
export function makeHistory(path: string, { suite, runs, resultsOfRun, newestMs }: MadeHistory): void {
  const opened = History.open(path);
  if (opened.kind !== "open") throw new Error(opened.message);
  using history = opened.history;
  const chance = seeded(1);
  for (let run = 0; run < runs; run += 1) {
    const startedAtMs = newestMs - (runs - 1 - run) * EVERY_MS;
    const time = new Date(startedAtMs).toISOString().replace(/[-:]|\.\d+/g, "");
    const runId = `${time}-${run.toString(16).padStart(6, "0")}`;
    const failing = chance() < 0.12 ? Math.ceil(chance() * resultsOfRun * 0.08) : 0;
    const summary = summaryOf({ runId, suite, startedAtMs, checks: resultsOfRun, failing });
    const selection = { suite, cohorts: null, devices: null, allowDeviceIdentity: 0 };
    const start = { runId, selection, startedAtMs, actor: "schedule", configChecksum: "made" };
    history.begin(start, { ...summary, status: "running", decision: null }, false);
    for (let seq = 0; seq < resultsOfRun; seq += 1) history.record(runId, recordOf(seq, seq < failing));
    history.finish(runId, summary, timesOf(chance, summary));
  }
}

function recordOf(seq: number, isFailing: boolean): ResultRecord {
  return { ...(isFailing ? FAIL : PASS), seq, device: `pump-${String(seq).padStart(4, "0")}` };
}

interface Made {
  readonly runId: string;
  readonly suite: string;
  readonly startedAtMs: number;
  readonly checks: number;
  readonly failing: number;
}

function summaryOf({ runId, suite, startedAtMs, checks, failing }: Made): RunSummary {
  const durationSeconds = 48;
  const decision = failing === 0 ? "go" : "no-go";
  const counts = { ...sampleSummary.counts, planned: checks, checks, pass: checks - failing, fail: failing };
  return {
    ...sampleSummary,
    ...{ runId, suite, decision, durationSeconds },
    reason: failing === 0 ? "every rule is met" : "minPassRatio is not met",
    startedAt: new Date(startedAtMs).toISOString(),
    decidedAt: new Date(startedAtMs + durationSeconds * 1_000).toISOString(),
    counts: { ...counts, inconclusive: 0, skipped: 0, notRun: 0 },
    causes: failing === 0 ? [] : sampleSummary.causes,
    // Nobody is asked whether it still holds.
    fingerprint: null,
  };
}

function timesOf(chance: () => number, { latency }: RunSummary) {
  const connect = new Histogram();
  for (let sample = 0; sample < 200; sample += 1) connect.add(0.03 + 0.05 * chance() ** 3);
  const shapes = latency.map(({ protocol, phase }) => ({ protocol, phase, buckets: connect.shown() }));
  return { connectP95Seconds: connect.quantile(0.95), authorizerP95Seconds: 0.02 + 0.01 * chance(), shapes };
}

/** Numbers 0..1 that look drawn and are the same each time (a linear congruential generator). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
