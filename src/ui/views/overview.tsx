import { useCallback, useEffect, useState } from "preact/hooks";
import type { RunSummary } from "../../model/run.ts";
import { useLoaded } from "../api.ts";
import type { SuiteState, Whole } from "../api-types.ts";
import { History } from "../parts/history.tsx";
import { RunPanels } from "../parts/run-panels.tsx";
import { SuiteCard } from "../parts/suite-card.tsx";
import { runLink } from "../route.ts";
import { Problem } from "../words.tsx";

const LOOK_EVERY_MS = 10_000;
const WORST_FIRST = ["no-go", "running", "inconclusive", "go"];

/** Would the fleet get in, and if not, why and since when. No list of devices: there may be a million. */
export function Overview({ suite }: { readonly suite: string | null }) {
  const { data, error, reload } = useLoaded<Whole<SuiteState>>("/api/v1/suites", LOOK_EVERY_MS);
  const nowMs = useNow();
  const again = useCallback(() => reload(), [reload]);
  const suites = data?.items ?? [];
  const shown = suites.find((each) => each.suite === suite) ?? worstOf(suites);
  return (
    <>
      <h1 class="unseen">Would the fleet get in?</h1>
      <Problem text={error} />
      {data === null && error === null ? <p>Asking the daemon</p> : null}
      <div class="suites">
        {suites.map((each) => (
          <SuiteCard
            key={each.suite}
            state={each}
            isShown={each === shown && suites.length > 1}
            {...{ nowMs, reload: again }}
          />
        ))}
      </div>
      {shown === undefined ? null : <SuiteDetails state={shown} isOnlyOne={suites.length === 1} />}
    </>
  );
}

function SuiteDetails({ state, isOnlyOne }: { readonly state: SuiteState; readonly isOnlyOne: boolean }) {
  const { suite, answer, running } = state;
  // While a run is under way the run before it is what there is to look at.
  const settled = running === answer.runId ? null : answer.runId;
  const [last, setLast] = useState<string | null>(settled);
  useEffect(() => {
    if (settled !== null) setLast(settled);
  }, [settled]);
  const { data: run, error } = useLoaded<RunSummary>(
    last === null ? null : `/api/v1/${runLink(last).slice(2)}`,
  );
  return (
    <>
      {isOnlyOne ? null : <h2 class="of">{suite}</h2>}
      <History suite={suite} version={`${answer.runId} ${running}`} />
      <Problem text={error} />
      {run === null ? null : <RunPanels run={run} />}
    </>
  );
}

function worstOf(suites: readonly SuiteState[]): SuiteState | undefined {
  return [...suites].sort(
    (a, b) => WORST_FIRST.indexOf(a.answer.decision) - WORST_FIRST.indexOf(b.answer.decision),
  )[0];
}

/** Ages grow while one looks. */
function useNow(): number {
  const [nowMs, setNowMs] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return nowMs;
}
