import type { Log } from "../lib/log.ts";
import type { Cause } from "../model/causes.ts";
import type { HttpConfig } from "../model/config.ts";
import type { Pause } from "../model/pause.ts";
import type { VerdictKind } from "../model/result.ts";
import type { RunSummary, Selection } from "../model/run.ts";
import type { HttpLimits } from "./limits.ts";

/** What a trigger came to. `known`: the same key was used before; `joined`: the same selection is running. */
export type TriggerAnswer =
  | { readonly kind: "started" | "joined" | "known"; readonly run: RunSummary }
  /** Another selection of the suite is running. */
  | { readonly kind: "busy"; readonly runId: string; readonly reason: string }
  | { readonly kind: "draining" };

/** The daemon's runs, as the API sees them. */
export interface RunsPort {
  suites(): readonly string[];
  trigger(selection: Selection, idempotencyKey: string | null, actor: string): TriggerAnswer;
  get(runId: string): RunSummary | null;
  /** Newest first; `cursor` is a `nextCursor` from before. */
  list(
    cursor: string | null,
    limit: number,
  ): { readonly items: readonly RunSummary[]; readonly nextCursor: string | null };
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
  | { readonly kind: "unknown"; readonly reason: string };

/** Tests one device now; throws the signal's reason soon after it is aborted. */
export interface ProbePort {
  probe(device: string, signal: AbortSignal): Promise<ProbeAnswer>;
}

/** Who did what, and why; kept for good. Never throws. */
export interface AuditPort {
  /**
   * @param actor a token's name (`actorOf`), `http` without one
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
  readonly probes: ProbePort;
  readonly audit: AuditPort;
  readonly metricsPage: () => Promise<Page>;
  readonly ready: () => { readonly ready: boolean; readonly reason: string };
  /** Instead of the defaults in limits.ts. */
  readonly limits?: Partial<HttpLimits>;
}
