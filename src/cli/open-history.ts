import { wallMs } from "../lib/clock.ts";
import { errorMessage, UsageError } from "../lib/errors.ts";
import type { Log } from "../lib/log.ts";
import type { StoreConfig } from "../model/config.ts";
import type { DerivedLedger } from "../model/ports.ts";
import { createDerivedLedger } from "../run/derived-ledger.ts";
import { History } from "../store/history.ts";

/**
 * The configured history; a temporary one where none is configured, or where it cannot be used, which is told: whether
 * devices get in can be found out without it.
 *
 * @throws UsageError where another process owns it: two would test the same devices
 */
export function openHistory(store: StoreConfig | null, tell: (problem: string) => void): History {
  if (store === null) return temporary();
  const opened = History.open(store.path);
  if (opened.kind === "open") return opened.history;
  if (opened.why === "locked") {
    throw new UsageError(
      `${opened.message}: ask that one with \`fleet-smoke gate\`, or use another store.path`,
    );
  }
  tell(`${opened.message}; runs are not kept`);
  return temporary();
}

/** Forgets what is beyond the retention; where that cannot be done it is told, and nothing else is held up by it. */
export function pruneHistory(
  history: Pick<History, "prune">,
  store: StoreConfig | null,
  tell: (problem: string) => void,
): void {
  try {
    if (store !== null) history.prune(store.retention, wallMs());
  } catch (error) {
    tell(`the history cannot be pruned: ${errorMessage(error)}`);
  }
}

/** What derived checks have spent of each identity, as far as the history knows it. */
export function derivedLedgerOf(
  history: Pick<History, "derivedUses">,
  log: Pick<Log, "error">,
): DerivedLedger {
  return createDerivedLedger({
    kept: history.derivedUses,
    onProblem: (error) => log.error({ error }, "the history cannot keep what derived checks have spent"),
  });
}

function temporary(): History {
  const opened = History.open("");
  if (opened.kind !== "open") throw new Error(opened.message);
  return opened.history;
}
