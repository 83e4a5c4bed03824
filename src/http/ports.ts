import type { Log } from "../lib/log.ts";
import type { HttpConfig } from "../model/config.ts";
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
  trigger(selection: Selection, idempotencyKey: string | null): TriggerAnswer;
  get(runId: string): RunSummary | null;
  /** Newest first; `cursor` is a `nextCursor` from before. */
  list(
    cursor: string | null,
    limit: number,
  ): { readonly items: readonly RunSummary[]; readonly nextCursor: string | null };
}

export interface HttpOptions {
  readonly config: HttpConfig;
  readonly log: Log;
  readonly runs: RunsPort;
  readonly metricsPage: () => Promise<{ readonly contentType: string; readonly body: string }>;
  readonly ready: () => { readonly ready: boolean; readonly reason: string };
  /** Instead of the defaults in limits.ts. */
  readonly limits?: Partial<HttpLimits>;
}
