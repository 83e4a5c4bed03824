import type { Log } from "../lib/log.ts";
import type { Cause } from "../model/causes.ts";
import type { HttpConfig } from "../model/config.ts";
import type { GateAnswer, GateReply, GateRequest } from "../model/gate-answer.ts";
import type { ResultsQuery } from "../model/history.ts";
import type { LatencyDistribution } from "../model/latency.ts";
import type { CauseGuide, DeviceResult, LastGo, ListPage, RunPoint } from "../model/overview.ts";
import type { Pause } from "../model/pause.ts";
import type { ResultRecord, VerdictKind } from "../model/result.ts";
import type { RunSummary, Selection, Triggered } from "../model/run.ts";
import type { HttpLimits } from "./limits.ts";

/** The daemon's runs, as the API sees them. */
export interface RunsPort {
  suites(): readonly string[];
  trigger(selection: Selection, idempotencyKey: string | null, actor: string): Triggered;
  get(runId: string): RunSummary | null;
  /** Newest first; `cursor` is a `nextCursor` from before. */
  list(
    cursor: string | null,
    limit: number,
  ): { readonly items: readonly RunSummary[]; readonly nextCursor: string | null };
  /** Ends a run for good; null: there is none under way with this id. */
  cancel(runId: string): RunSummary | null;
}

/** What is kept of each check; a run that is under way has those done so far. */
export interface ResultsPort {
  /** In plan order; null: nothing is kept of such a run. */
  results(runId: string, query: ResultsQuery): readonly ResultRecord[] | null;
}

/** What a dashboard shows beside single runs. */
export interface OverviewPort {
  /** Id of the run of the suite that is under way, whole or not. */
  running(suite: string): string | null;
  /** The newest run of the whole suite that has ended. */
  lastWhole(suite: string): RunSummary | null;
  lastGo(suite: string): LastGo | null;
  /** Newest first; `cursor` is a `nextCursor` from before, as below. */
  history(suite: string, cursor: string | null, limit: number): ListPage<RunPoint>;
  /** null: there is no such run. */
  latency(runId: string): readonly LatencyDistribution[] | null;
  /** Over all runs, the newest first; null: the cursor is none. */
  ofDevice(device: string, cursor: string | null, limit: number): ListPage<DeviceResult> | null;
}

/** May the rollout go on? It records overrides itself. */
export interface GatePort {
  /** As things are; triggers nothing. */
  peek(suite: string): Promise<GateAnswer>;
  /** As `peek`, a little older; for pages that ask again and again. */
  glance(suite: string): Promise<GateAnswer>;
  /** The run of a known key; else joins a run, takes a decision that still holds, or triggers a run. */
  ask(request: GateRequest, actor: string): Promise<GateReply>;
}

/** A cause, and over which protocol it shows. */
export interface ProbeCause extends Cause {
  readonly protocol: string;
}

/** One device as it was just tested; nothing in it is secret. */
export interface ProbeView {
  readonly device: string;
  readonly verdict: VerdictKind;
  /** Ranked for each protocol. */
  readonly causes: readonly ProbeCause[];
  /** Every step, for people; without a trailing line break. */
  readonly text: () => string;
  /** Every step, for programs: docs/probe.schema.json. */
  readonly report: object;
  readonly metricsPage: () => Promise<Page>;
}

export type ProbeAnswer =
  | { readonly kind: "probed"; readonly probe: ProbeView }
  /** `reason`: for the caller. */
  | { readonly kind: "unknown" | "paused"; readonly reason: string };

/** Tests one device now; throws the signal's reason soon after it is aborted. */
export interface ProbePort {
  probe(device: string, signal: AbortSignal): Promise<ProbeAnswer>;
}

/** Who did what, and why; kept for good. Never throws. */
export interface AuditPort {
  /**
   * @param actor a token's name (`actorOf`), `anonymous` without one
   * @param action one word: `trigger`, `cancel`, `override`, `refused`
   * @param detail for a person, with the reason where one was given; nothing secret, nothing unbounded
   */
  note(actor: string, action: string, detail: string): void;
}

export type ReloadAnswer =
  | { readonly kind: "reloaded" }
  /** The old configuration stays; one line for each thing that is wrong. */
  | { readonly kind: "rejected"; readonly problems: readonly string[] }
  /** Another reload is under way, or the daemon is stopping. */
  | { readonly kind: "busy"; readonly reason: string };

/** What an administrator tells the daemon; it writes the audit log itself. */
export interface ControlPort {
  /** null: it is not paused. */
  paused(): Pause | null;
  /** Paused already: the first one stays. */
  pause(actor: string, reason: string): Pause;
  /** Not paused: does nothing. */
  resume(actor: string): void;
  reload(actor: string): Promise<ReloadAnswer>;
}

export interface Page {
  readonly contentType: string;
  readonly body: string;
}

export interface HttpOptions {
  readonly config: HttpConfig;
  readonly log: Log;
  readonly runs: RunsPort;
  readonly results: ResultsPort;
  readonly overview: OverviewPort;
  /** Every cause there is. */
  readonly causes: readonly CauseGuide[];
  readonly gate: GatePort;
  readonly probes: ProbePort;
  readonly audit: AuditPort;
  readonly control: ControlPort;
  readonly metricsPage: () => Promise<Page>;
  readonly ready: () => { readonly ready: boolean; readonly reason: string };
  /** Instead of the defaults in limits.ts. */
  readonly limits?: Partial<HttpLimits>;
}
