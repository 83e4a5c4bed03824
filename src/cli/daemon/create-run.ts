import type { Log } from "../../lib/log.ts";
import type { Problem } from "../../model/problem.ts";
import type { RunSummary, Selection } from "../../model/run.ts";
import { isPartial } from "../../plan/select.ts";
import type { RunMemory } from "../../run/memory.ts";
import type { Notices } from "../../run/notices.ts";
import type { NewRun } from "../../run/runs.ts";
import type { History } from "../../store/history.ts";
import { pruneHistory } from "../open-history.ts";
import type { Setup } from "./setup.ts";

export interface RunParts {
  readonly setup: Setup;
  readonly history: History;
  readonly notices: Notices;
  readonly log: Log;
  /** After the end of a run whose configuration is in force no more. */
  readonly onOutdated: () => Promise<void>;
}

/** A run of the daemon: its sources, its metrics, its log and what is told of its end. */
export function createRun(parts: RunParts, runId: string, selection: Selection, memory: RunMemory): NewRun {
  const { setup, log } = parts;
  const { app } = setup;
  const open = new AsyncDisposableStack();
  const run = app.createRun({
    runId,
    selection,
    memory,
    fleet: async (signal) => {
      const warn = (problem: Problem) => log.warn({ runId, problem }, "invalid profile");
      // A secret that was there at the start and is lost since makes its check inconclusive, not its profile invalid.
      const scanned = await app.scan(warn, signal, { checkReferences: false });
      if (scanned === null) throw new Error("the profile sources cannot be read");
      open.defer(() => scanned.fleet.close());
      return scanned;
    },
  });
  const execute = () =>
    setup.use(async () => {
      app.metrics.runStarted(selection.suite);
      log.info({ runId, ...selection }, "run started");
      await using _open = open;
      const summary = await run.execute();
      await ended(parts, summary, selection);
      return summary;
    });
  return { run, execute };
}

async function ended(parts: RunParts, summary: RunSummary, selection: Selection): Promise<void> {
  const { setup, history, notices, log, onOutdated } = parts;
  const { runId, suite, status, decision, reason, counts } = summary;
  const { app, config } = setup;
  const partial = isPartial(selection);
  const maxAgeMs = config.suites.find(({ name }) => name === suite)?.gate.maxAgeMs ?? 0;
  app.metrics.runFinished(summary, { maxAgeMs, isPartial: partial });
  log.info({ runId, suite, status, decision, reason, counts }, "run finished");
  if (!partial) notices.decided(summary, maxAgeMs);
  pruneHistory(history, config.store, (problem) => log.error({ runId }, problem));
  if (setup.isRetired) await onOutdated();
}
