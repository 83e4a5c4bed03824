import { randomBytes } from "node:crypto";
import { wallMs } from "../lib/clock.ts";
import { errorMessage } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { RunSummary, Selection } from "../model/run.ts";
import type { Run } from "./run.ts";

/** What a trigger came to. `known`: the same key was used before; `joined`: the same selection is running. */
export type Triggered =
  | { readonly kind: "started" | "joined" | "known"; readonly run: RunSummary }
  | { readonly kind: "busy"; readonly runId: string; readonly reason: string }
  | { readonly kind: "draining" };

export interface RunsOptions {
  readonly suites: readonly string[];
  /** Prepares a run and starts it; `finished` settles with its final summary. */
  readonly start: (
    runId: string,
    selection: Selection,
  ) => { readonly run: Run; readonly finished: Promise<RunSummary> };
  readonly log: Log;
}

/** Runs remembered after they finished. */
const KEEP = 200;

interface Entry {
  readonly selection: Selection;
  readonly run: Run;
  readonly finished: Promise<RunSummary>;
  /** null while it runs. */
  summary: RunSummary | null;
}

/** The daemon's runs: one at a time per suite, triggered by the API and the schedule alike. */
export class Runs {
  readonly #options: RunsOptions;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #byKey = new Map<string, string>();
  #draining = false;

  constructor(options: RunsOptions) {
    this.#options = options;
  }

  suites(): readonly string[] {
    return this.#options.suites;
  }

  trigger(selection: Selection, idempotencyKey: string | null): Triggered {
    const known = idempotencyKey === null ? null : this.get(this.#byKey.get(idempotencyKey) ?? "");
    if (known) return { kind: "known", run: known };
    if (this.#draining) return { kind: "draining" };
    const running = this.#running(selection.suite);
    if (running) return this.#join(running, selection, idempotencyKey);
    return { kind: "started", run: this.#start(selection, idempotencyKey) };
  }

  get(runId: string): RunSummary | null {
    const entry = this.#entries.get(runId);
    return entry ? (entry.summary ?? entry.run.summary()) : null;
  }

  /** Newest first. The cursor is the last run id of the page before. */
  list(cursor: string | null, limit: number): { items: RunSummary[]; nextCursor: string | null } {
    const ids = [...this.#entries.keys()].reverse();
    const from = cursor === null ? 0 : ids.indexOf(cursor) + 1;
    const page = cursor !== null && from === 0 ? [] : ids.slice(from, from + limit);
    const items = page.flatMap((id) => this.get(id) ?? []);
    const last = page.at(-1);
    return { items, nextCursor: last !== undefined && from + limit < ids.length ? last : null };
  }

  /** No more runs; those that run are stopped and waited for. */
  async drain(): Promise<void> {
    this.#draining = true;
    const running = [...this.#entries.values()].filter(({ summary }) => summary === null);
    for (const { run } of running) run.stop("INTERRUPTED");
    await Promise.all(running.map(({ finished }) => finished));
  }

  #running(suite: string): [string, Entry] | undefined {
    return [...this.#entries].find(([, entry]) => entry.summary === null && entry.selection.suite === suite);
  }

  #join([runId, entry]: [string, Entry], selection: Selection, key: string | null): Triggered {
    if (!isSameSelection(entry.selection, selection)) {
      return { kind: "busy", runId, reason: `another selection of suite ${selection.suite} is running` };
    }
    if (key !== null) this.#byKey.set(key, runId);
    return { kind: "joined", run: entry.run.summary() };
  }

  #start(selection: Selection, key: string | null): RunSummary {
    const runId = newRunId();
    const { run, finished } = this.#options.start(runId, selection);
    const entry: Entry = { selection, run, finished, summary: null };
    this.#entries.set(runId, entry);
    if (key !== null) this.#byKey.set(key, runId);
    finished.then(
      (summary) => {
        entry.summary = summary;
        this.#forgetOldest();
      },
      (error: unknown) => {
        // A run catches its own errors; what comes here is a bug in how it was put together.
        this.#options.log.error({ runId, error: errorMessage(error) }, "run failed");
        entry.summary = { ...run.summary(), status: "interrupted" };
      },
    );
    return run.summary();
  }

  #forgetOldest(): void {
    for (const [runId, { summary }] of this.#entries) {
      if (this.#entries.size <= KEEP) break;
      if (summary !== null) this.#entries.delete(runId);
    }
    for (const [key, runId] of this.#byKey) if (!this.#entries.has(runId)) this.#byKey.delete(key);
  }
}

/** Sorts by time: `20261123T011729Z-4f1c9a`. */
export function newRunId(): string {
  const time = new Date(wallMs()).toISOString().replace(/[-:]|\.\d+/g, "");
  return `${time}-${randomBytes(3).toString("hex")}`;
}

function isSameSelection(a: Selection, b: Selection): boolean {
  return a.suite === b.suite && sameNames(a.cohorts, b.cohorts) && sameNames(a.devices, b.devices);
}

function sameNames(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && [...a].sort().join("\n") === [...b].sort().join("\n");
}
