import type { DeviceQuery, DeviceRow } from "../model/history.ts";
import type { LatencyDistribution, RunTimes } from "../model/latency.ts";
import type { DeviceResult, LastGo, ListPage, RunPoint } from "../model/overview.ts";
import type { RunSummary, Selection } from "../model/run.ts";
import type { Runs } from "./runs.ts";

export interface OverviewOptions {
  readonly runs: Pick<Runs, "running" | "lastWhole" | "unsaved" | "get" | "times">;
  readonly history: {
    lastGo(suite: string): { readonly summary: RunSummary } | null;
    ofDevice(device: string, query: DeviceQuery): readonly DeviceRow[];
    points(query: {
      readonly suite: string;
      readonly cursor: string | null;
      readonly limit: number;
    }): readonly RunPoint[];
    readonly latencies: { of(runId: string): RunTimes | null };
  };
  readonly isPartial: (selection: Selection) => boolean;
}

type Devices = ListPage<DeviceResult>;
const DEVICE_CURSOR = /^(\d{1,15})\.(\d{1,15})$/;

/** What a dashboard shows beside single runs: what is going on, what was, and how long it took. */
export class Overview {
  readonly #options: OverviewOptions;

  constructor(options: OverviewOptions) {
    this.#options = options;
  }

  /** Id of the run of the suite that is under way, whole or not. */
  running(suite: string): string | null {
    return this.#options.runs.running(suite)?.runId ?? null;
  }

  /** The newest run of the whole suite that has ended. */
  lastWhole(suite: string): RunSummary | null {
    return this.#options.runs.lastWhole(suite);
  }

  lastGo(suite: string): LastGo | null {
    const { summary = null } = this.#options.history.lastGo(suite) ?? {};
    return summary === null ? null : { runId: summary.runId, decidedAt: summary.decidedAt };
  }

  /** Newest first, those before `cursor`, a `nextCursor` from before. */
  history(suite: string, cursor: string | null, limit: number): ListPage<RunPoint> {
    const { runs, history } = this.#options;
    // One more tells whether there is another page.
    const found = history.points({ suite, cursor, limit: limit + 1 });
    const items = found.slice(0, limit).map((point) => this.#asItIs(point));
    const unsaved = runs.unsaved().filter((run) => cursor === null && run.suite === suite);
    return {
      // What the history could not take is on the first page.
      items: [...unsaved.map((run) => this.#point(run)), ...items],
      nextCursor: found.length > limit ? (items.at(-1)?.runId ?? null) : null,
    };
  }

  /** null: there is no such run. */
  latency(runId: string): readonly LatencyDistribution[] | null {
    const { runs, history } = this.#options;
    const run = runs.get(runId);
    if (run === null) return null;
    const { shapes = [] } = runs.times(runId) ?? history.latencies.of(runId) ?? {};
    return run.latency.map((row) => {
      const shape = shapes.find(({ protocol, phase }) => protocol === row.protocol && phase === row.phase);
      return { ...row, buckets: shape?.buckets ?? [] };
    });
  }

  /** Results of one device over all runs, the newest run first; null: not a cursor of ours. */
  ofDevice(device: string, cursor: string | null, limit: number): Devices | null {
    const [, run, seq] = DEVICE_CURSOR.exec(cursor ?? "") ?? [];
    if (cursor !== null && run === undefined) return null;
    const after = cursor === null ? null : { run: Number(run), seq: Number(seq) };
    // One more tells whether there is another page.
    const found = this.#options.history.ofDevice(device, { after, limit: limit + 1 });
    const last = found.length > limit ? found[limit - 1] : undefined;
    return {
      items: found.slice(0, limit).map(deviceResult),
      nextCursor: last === undefined ? null : `${last.run}.${last.record.seq}`,
    };
  }

  /** The history knows a run that has not ended, or whose end it could not take, as it began. */
  #asItIs(point: RunPoint): RunPoint {
    if (point.status !== "running" && point.status !== "queued") return point;
    const run = this.#options.runs.get(point.runId);
    return run === null ? point : this.#point(run);
  }

  #point(run: RunSummary): RunPoint {
    const { runId, suite, selection, status, decision, startedAt, decidedAt, durationSeconds, counts } = run;
    const times = this.#options.runs.times(runId);
    const { checks, pass, fail, inconclusive, skipped } = counts;
    return {
      ...{ runId, status, decision, isWhole: !this.#options.isPartial({ ...selection, suite }) },
      ...{ startedAt, decidedAt, durationSeconds },
      ...{ checks, pass, fail, inconclusive, skipped },
      connectP95: times?.connectP95Seconds ?? null,
      authorizerP95: times?.authorizerP95Seconds ?? null,
    };
  }
}

function deviceResult({ runId, startedAtMs, record }: DeviceRow): DeviceResult {
  return { runId, startedAt: new Date(startedAtMs).toISOString(), ...record };
}
