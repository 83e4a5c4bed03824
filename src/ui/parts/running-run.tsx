import { useEffect, useState } from "preact/hooks";
import type { Counts } from "../../model/gate.ts";
import type { RunSummary } from "../../model/run.ts";
import { follow, getJson, request } from "../api.ts";
import type { Progress } from "../api-types.ts";
import { formatNumber, formatRatio, formatSpan } from "../format.ts";
import { type Mark, paceOf, withMark } from "../pace.ts";
import { runLink } from "../route.ts";
import { Problem } from "../words.tsx";

const VERDICTS = ["pass", "fail", "inconclusive", "skipped"] as const;

/** A run that is under way, as it moves; `ended` when it is over. */
export function RunningRun({ runId, ended }: { readonly runId: string; readonly ended: () => void }) {
  const [counts, setCounts] = useState<Counts | null>(null);
  const [marks, setMarks] = useState<readonly Mark[]>([]);
  const [problem, setProblem] = useState<string | null>(null);
  const [isCancelling, setCancelling] = useState(false);
  useEffect(() => {
    const left = new AbortController();
    setCounts(null);
    setMarks([]);
    setCancelling(false);
    const path = `/api/v1/runs/${encodeURIComponent(runId)}`;
    getJson<RunSummary>(path, left.signal).then(
      ({ counts: now }) => setCounts(now),
      () => {},
    );
    void follow(
      `${path}/events`,
      ({ name, data }) => {
        if (name !== "progress" && name !== "end") return;
        const { counts: now } = JSON.parse(data) as Progress;
        setCounts(now);
        setMarks((before) => withMark(before, { atMs: performance.now(), done: now.checks }));
        if (name === "end") ended();
      },
      left.signal,
    );
    return () => left.abort();
  }, [runId, ended]);
  const cancel = async () => {
    setCancelling(true);
    try {
      await request(`/api/v1/runs/${encodeURIComponent(runId)}`, { method: "DELETE" });
    } catch (error) {
      setProblem((error as Error).message);
      setCancelling(false);
    }
  };
  return (
    <div class="running" data-testid="progress">
      <p>
        <a href={runLink(runId)}>Run {runId}</a>
      </p>
      {counts === null ? <p>Starting</p> : <Moving counts={counts} marks={marks} />}
      <p>
        <button type="button" data-testid="cancel" disabled={isCancelling} onClick={() => void cancel()}>
          {isCancelling ? "Cancelling" : "Cancel this run"}
        </button>
      </p>
      <Problem text={problem} />
    </div>
  );
}

function Moving({ counts, marks }: { readonly counts: Counts; readonly marks: readonly Mark[] }) {
  const { planned, checks } = counts;
  const { perSecond, secondsLeft } = paceOf(marks, planned);
  const done = planned === 0 ? 0 : Math.min(1, checks / planned);
  return (
    <>
      <progress max={1} value={done} aria-label="Checks done" />
      <p class="pace">
        <strong>
          {formatNumber(checks)} of {formatNumber(planned)}
        </strong>{" "}
        ({formatRatio(done)}){perSecond === null ? "" : ` · ${perSecond.toFixed(1)} a second`}
        {secondsLeft === null ? "" : ` · about ${formatSpan(secondsLeft)} left`}
      </p>
      <p class="tally">
        {VERDICTS.map((verdict) => (
          <span key={verdict} class={`count ${verdict}`}>
            {formatNumber(counts[verdict])} {verdict}
          </span>
        ))}
      </p>
      {/* Once every tenth, or a screen reader would never stop talking. */}
      <p class="unseen" aria-live="polite">
        {Math.floor(done * 10) * 10} % done
      </p>
    </>
  );
}
