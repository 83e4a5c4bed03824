import { Cron } from "croner";
import type { Log } from "../lib/log.ts";
import type { ScheduleEntry } from "../model/config.ts";

/** Triggers suites by the clock until the answer is called. A suite that still runs is joined, not doubled. */
export function startSchedule(
  entries: readonly ScheduleEntry[],
  trigger: (suite: string) => void,
  log: Log,
): () => void {
  const jobs = entries.map(
    ({ suite, cron, timezone }) =>
      new Cron(
        cron,
        {
          timezone,
          catch: (error) => log.error({ suite, error: String(error) }, "scheduled trigger failed"),
        },
        () => trigger(suite),
      ),
  );
  return () => {
    for (const job of jobs) job.stop();
  };
}
